#include "prompt/chat.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/words.h"
#include "prompt/budget.h"
#include "prompt/code_points.h"
#include "prompt/context_block.h"
#include "prompt/neutralise.h"
#include "prompt/tokens.h"

namespace tierwise::prompt {
namespace {

// As Transformers: the blank behind it shows whether the template strips contents.
constexpr std::string_view kContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kDot = "\xC2\xB7";  // ·
constexpr std::string_view kBetween = "\n\n";
// Of documents that are told in the system message: what is larger was shortened, or fits into no model.
constexpr std::size_t kMostBlockBytes = 4 << 20;
constexpr std::string_view kRefused = "template-refused";
constexpr std::string_view kSmallChat =
    R"([{"role":"user","content":"x"},{"role":"assistant","content":"x"},{"role":"user","content":"x"}])";
constexpr double kMostTokens = 1e9;
constexpr auto kNoRole = static_cast<std::size_t>(Role::kLeftOut);
// Each time less is kept, by all that was too much.
constexpr int kMostTries = 24;
constexpr std::size_t kLeastShortened = 64;
// At once.
constexpr double kMostLeftOut = 1e6;
// Of calls' arguments that are JSON text; those behind it stay text.
constexpr std::size_t kMostArgumentBytes = 1 << 20;
// Of a request. With its tree, and the values of a render, a chat takes less than 64 MiB.
constexpr std::size_t kMostValues = 150'000;
// The note of what is left out, and the roundness of estimates.
constexpr double kNoteTokens = 32;

enum Way : unsigned { kFold = 1, kMerge = 2 };

// In the order of their bits; the first two are those of Way.
constexpr std::string_view kWarnings = "system-folded messages-merged arguments-kept markers-broken";
constexpr unsigned kWarningCount = 4;
constexpr unsigned kArgumentsKept = 4;
constexpr unsigned kMarkersBroken = 8;
enum class Pass : std::uint8_t { kBreak, kLook, kGuard };

json* member(json& object, std::string_view name) { return const_cast<json*>(find_any_member(object, name)); }
json::array_t& list_in(json& value) { return value.get_ref<json::array_t&>(); }
json::object_t& members_in(json& value) { return value.get_ref<json::object_t&>(); }
std::string* text_in(json& value) { return const_cast<std::string*>(string_in(value)); }
std::string* content_of(json& message) {
  json* content = member(message, "content");
  return content == nullptr ? nullptr : text_in(*content);
}

void add(json::array_t& list, json&& value) { list.push_back(std::move(value)); }

// Three messages.
json small_chat() { return parse_json(kSmallChat).value(); }

// A member that is added makes copies of the others.
json& slot(json& object, std::string_view name) {
  if (json* known = member(object, name)) return *known;
  members_in(object).push_back({std::string(name), json()});
  return members_in(object).back().second;
}

// All texts of a value in a row.
void collect(const json& value, std::string& into) {
  if (const std::string* text = string_in(value)) {
    into += *text;
    into += ' ';
  } else if (value.is_array()) {
    for (const json& one : elements_of(value)) collect(one, into);
  } else if (value.is_object()) {
    for (const auto& [name, one] : members_of(value)) {
      into += name;
      into += ' ';
      collect(one, into);
    }
  } else {
    into += scalar_text(value);
  }
}

bool calls_tools(const json& message) {
  const json* calls = find_member(message, "tool_calls");
  return calls != nullptr && calls->is_array() && !elements_of(*calls).empty();
}

// kFold: system messages before the next user message; what is left at the end as one of the user. kMerge: messages
// of one role in a row as one. Whether there was something to do for each way.
bool reshape(json::array_t& messages, unsigned ways) {
  unsigned done = 0;
  json::array_t made;
  std::string waiting;
  for (std::size_t at = 0; at <= messages.size(); ++at) {
    json message;
    if (at < messages.size()) {
      message.swap(messages[at]);
    } else if (waiting.empty()) {
      break;
    } else {
      waiting.resize(waiting.size() - kBetween.size());
      json small = small_chat();
      message.swap(list_in(small)[0]);
      content_of(message)->swap(waiting);
      waiting.clear();
    }
    const std::string_view role = string_or_empty(message, "role");
    std::string* content = content_of(message);
    if (content != nullptr) {
      if (role == "system" && (ways & kFold) != 0) {
        waiting += *content;
        waiting += kBetween;
        done |= kFold;
        continue;
      }
      if (role == "user") {
        content->insert(0, waiting);
        waiting.clear();
      }
      json* before = made.empty() ? nullptr : &made.back();
      std::string* first = before == nullptr ? nullptr : content_of(*before);
      if ((ways & kMerge) != 0 && first != nullptr && role == string_or_empty(*before, "role") && role != "tool" &&
          !calls_tools(*before) && !calls_tools(message)) {
        *first += kBetween;
        *first += *content;
        done |= kMerge;
        continue;
      }
    }
    add(made, std::move(message));
  }
  messages.swap(made);
  return done == ways;
}

// Names that templates ask for by name, so that a changed one would be another.
bool is_plain_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); });
}

// Whether a special token is one to be broken in texts. A repository may declare any word to be one, or a full stop:
// texts stay readable, and a role cannot be made of that.
bool marks(std::string_view token) {
  return token.find_first_of("<>[]{}|#:@") != std::string_view::npos &&
         std::any_of(token.begin(), token.end(), [](char c) { return is_alphanumeric(c) || (c & 0x80) != 0; });
}

class Chat final : private Costs {
 public:
  Chat(Renderer& renderer, json request) : renderer_(renderer), request_(std::move(request)) {}

  Result<std::string> run() {
    read_request();
    const Markers markers(marker_texts_);
    const Markers special(special_texts_);
    markers_ = &markers;
    special_ = &special;
    make_fit();
    if (problem_) return std::move(problem_);
    return kept_.needs_more ? std::string(R"({"more":true})") : answer();
  }

 private:
  struct Cost {
    // In tokens; 0 before it is known.
    double tokens = 0;
    bool neutralised = false;
    // Of a message that was shortened.
    std::string whole;
  };

  // ------------------------------------------------------------------------------------------------- the request

  double number(std::string_view field) const { return optional_number(request_, field).value_or(0); }

  json::array_t take_list(json& from, std::string_view field) {
    json::array_t taken;
    json* list = member(from, field);
    if (list != nullptr && list->is_array()) taken.swap(list_in(*list));
    return taken;
  }

  void add_texts(std::string_view field, std::vector<std::string_view>& texts) {
    const json* list = find_any_member(request_, field);
    if (list == nullptr || !list->is_array()) return;
    for (const json& one : elements_of(*list)) {
      if (string_in(one) != nullptr && !string_in(one)->empty()) texts.push_back(*string_in(one));
    }
  }

  void read_request() {
    template_ = static_cast<std::uint32_t>(number("template"));
    rendering_.now = number("now");
    limit_ = number("limit");
    family_ = tokenizer_family(number("family"));
    truncates_ = is_set(request_, "truncate");
    answers_messages_ = is_set(request_, "answerMessages");
    folds_documents_ = is_set(request_, "foldDocuments");
    continues_ = is_set(request_, "continueFinalMessage");
    ways_ = is_set(request_, "foldSystem") ? unsigned{kFold} : 0U;
    neutralises_all_ = is_set(request_, "neutraliseAll");
    neutralises_ = neutralises_all_ || is_set(request_, "neutralise");
    // What roles are made of comes first: there may be more special tokens than are looked for.
    add_texts("markers", marker_texts_);
    for (const std::string& marker : renderer_.markers(template_)) marker_texts_.push_back(marker);
    std::vector<std::string_view> special;
    add_texts("special", special);
    std::copy_if(special.begin(), special.end(), std::back_inserter(special_texts_), marks);
    marker_texts_.insert(marker_texts_.end(), special_texts_.begin(), special_texts_.end());
    variables_.swap(*member(request_, "variables"));
    slot(variables_, "tools");
    slot(variables_, "documents");
    slot(variables_, "messages") = json::array();
    for (json& one : take_list(request_, "messages")) {
      const bool are_left_out = one.is_number();
      double count = are_left_out ? std::min(one.get<double>(), kMostLeftOut) : 0;
      for (; count >= 1; --count) add(messages_, json());
      if (!are_left_out) add(messages_, std::move(one));
    }
    documents_ = take_list(variables_, "documents");
    costs_ = std::vector<Cost>(messages_.size());
    roles_ = std::vector<Role>(messages_.size());
    for (std::size_t at = 0; at < messages_.size(); ++at) {
      roles_[at] = static_cast<Role>(std::min(word_position(kRoles, string_or_empty(messages_[at], "role")), kNoRole));
    }
    priorities_ = std::vector<double>(documents_.size());
    const json::array_t given = take_list(request_, "priorities");
    for (std::size_t at = 0; at < std::min(given.size(), priorities_.size()); ++at) {
      if (given[at].is_number()) priorities_[at] = given[at].get<double>();
    }
  }

  // Arguments that are JSON text become what it says.
  void read_arguments(json& message) {
    json* calls = member(message, "tool_calls");
    if (calls == nullptr || !calls->is_array()) return;
    for (json& call : list_in(*calls)) {
      json* function = member(call, "function");
      json* arguments = function == nullptr ? nullptr : member(*function, "arguments");
      if (arguments == nullptr || text_in(*arguments) == nullptr) continue;
      argument_bytes_ += text_in(*arguments)->size();
      auto parsed = parse_json(argument_bytes_ > kMostArgumentBytes ? "" : *text_in(*arguments));
      if (parsed) {
        arguments->swap(parsed.value());
      } else {
        warnings_ |= kArgumentsKept;
      }
    }
  }

  // --------------------------------------------------------------------------------------------------- the texts

  void change(std::string& text, Pass pass) {
    if (pass == Pass::kBreak) {
      if (markers_->neutralise(text)) warnings_ |= kMarkersBroken;
      return;
    }
    const unsigned sides = markers_->open_sides(text);
    open_ = open_ || sides != 0;
    if (pass == Pass::kLook) return;
    if ((sides & kLeft) != 0) text.insert(0, kDot);
    if ((sides & kRight) != 0) text += kDot;
  }

  // What is told between `begin` and the end of `text`, which is data, as it stands there with its labels.
  void change_block(std::string& text, std::size_t begin) {
    if (!neutralises_) return;
    std::string inside = text.substr(begin, text.size() - begin - std::min(kBlockTail.size(), text.size() - begin));
    const std::size_t size = inside.size();
    change(inside, Pass::kBreak);
    text.replace(begin, size, inside);
  }

  // The context's, which ends the system message.
  void change_context() {
    const std::string_view block = string_or_empty(request_, "contextBlock");
    std::string* system = messages_.empty() ? nullptr : content_of(messages_[0]);
    if (block.empty() || system == nullptr || !system->ends_with(block)) return;
    change_block(*system, system->size() - block.size() + (block.starts_with(kBlockHead) ? kBlockHead.size() : 0));
  }

  // Names of members too: templates write those of documents.
  void change_all(json& value, Pass pass) {
    if (std::string* text = text_in(value)) {
      change(*text, pass);
    } else if (value.is_array()) {
      for (json& one : list_in(value)) change_all(one, pass);
    } else if (value.is_object()) {
      json::object_t changed;
      changed.reserve(members_in(value).size());
      for (auto& [name, one] : members_in(value)) {
        std::string other = name;
        if (!is_plain_name(other)) change(other, pass);
        change_all(one, pass);
        changed.push_back({std::move(other), std::move(one)});
      }
      members_in(value).swap(changed);
    }
  }

  void change_message(json& message, Pass pass) {
    const std::string_view role = string_or_empty(message, "role");
    if (!neutralises_ || (!neutralises_all_ && role != "user" && role != "tool")) return;
    for (auto& [name, value] : members_in(message)) {
      if (name != "role") change_all(value, pass);
    }
  }

  void change_variables(Pass pass) {
    for (json& message : list_in(slot(variables_, "messages"))) change_message(message, pass);
    if (!neutralises_) return;
    change_all(slot(variables_, "documents"), pass);
    if (neutralises_all_) change_all(slot(variables_, "tools"), pass);
  }

  // -------------------------------------------------------------------------------------------------- rendering

  Result<std::string> render() { return renderer_.render(template_, variables_, rendering_); }

  // What is in variables_, in the first way that the template takes.
  Result<std::string> render_somehow() {
    json& messages = slot(variables_, "messages");
    if (ways_ != 0) reshape(list_in(messages), ways_);
    auto rendered = render();
    if (rendered || rendered.error().code != kRefused) return rendered;
    const json given = messages;
    for (unsigned ways = 1; ways < 4; ++ways) {
      if ((ways & ways_) == 0 && reshape(list_in(messages), ways)) {
        auto other = render();
        if (other) {
          ways_ |= ways;
          warnings_ |= ways;
          return other;
        }
      }
      messages = given;
    }
    return rendered;
  }

  // With nothing that came about at the ends of texts, into prompt_.
  void render_safely() {
    if (continues_) {
      json::array_t& messages = list_in(slot(variables_, "messages"));
      std::string* last = messages.empty() ? nullptr : content_of(messages.back());
      if (last == nullptr) {
        problem_ = make_error("invalid-input", "There is no text to be continued.", "messages");
        return;
      }
      *last += kContinueTag;
    }
    auto rendered = render_somehow();
    open_ = false;
    if (rendered) change_variables(Pass::kLook);
    if (rendered && open_) {
      change_variables(Pass::kGuard);
      auto guarded = render();
      if (guarded && markers_->count(guarded.value()) < markers_->count(rendered.value())) {
        warnings_ |= kMarkersBroken;
        rendered = std::move(guarded);
      }
    }
    if (!rendered) {
      problem_ = rendered.take_error();
      return;
    }
    prompt_.swap(rendered.value());
    if (!continues_) return;
    const std::size_t at = prompt_.rfind(strip(kContinueTag, kRight));
    if (at == std::string::npos) {
      problem_ = make_error("cannot-continue", "The template does not write the last message as it is.",
                            "continueFinalMessage");
      return;
    }
    const bool kept = prompt_.compare(at, kContinueTag.size(), kContinueTag) == 0;
    prompt_.resize(at);
    if (!kept) prompt_.resize(strip(prompt_, kRight).size());
  }

  // ---------------------------------------------------------------------------------------------------- budget

  // What prompt_ is.
  TokenEstimate count() const {
    std::string text = prompt_;
    const auto tokens = static_cast<double>(special_->take_out(text));
    TokenEstimate estimate = estimate_tokens(text, family_);
    estimate.tokens += tokens;
    estimate.at_most += tokens;
    return estimate;
  }

  double cost(const json& value, double room) const {
    std::string texts;
    collect(value, texts);
    if (static_cast<double>(texts.size()) > (std::max(room, 0.0) + 1) * kMostBytesPerToken) return kWhole;
    return sum_of(estimate_tokens(texts, family_));
  }

  // What adds up to the bound of all, but for the spread.
  static double sum_of(const TokenEstimate& estimate) { return estimate.at_most - estimate.spread; }

  double message(std::size_t index, double room) override {
    double& known = costs_[index].tokens;
    if (known > 0) return known;
    const double tokens = cost(messages_[index], room) + overhead_;
    if (tokens != kWhole) known = tokens;
    return tokens;
  }
  double document(std::size_t index, double room) override { return cost(documents_[index], room); }

  // What the template writes around a message: two more of them, by what they make the prompt longer.
  void measure() {
    json small = small_chat();
    double sizes[2] = {};
    for (double& size : sizes) {
      slot(variables_, "messages") = small;
      auto rendered = render();
      if (!rendered) return;
      prompt_.swap(rendered.value());
      size = sum_of(count());
      while (list_in(small).size() > 1) list_in(small).pop_back();
    }
    // The names and roles of members are counted with the texts.
    overhead_ = std::max(0.0, (sizes[0] - sizes[1]) / 2 - cost(elements_of(small)[0], kMostTokens));
  }

  double bytes() const {
    std::size_t sum = 0;
    for (const json& message : messages_) sum += string_or_empty(message, "content").size();
    return static_cast<double>(sum);
  }

  bool stays(std::size_t index) const {
    return index >= kept_.from ? roles_[index] != Role::kLeftOut : roles_[index] == Role::kSystem;
  }

  // Of a text of `all` tokens, for `tokens` of them and the note.
  static std::size_t bytes_of_share(std::string_view text, double tokens, double all) {
    const double share = std::max(0.0, std::min(1.0, (tokens - kNoteTokens) / all));
    return static_cast<std::size_t>(static_cast<double>(text.size()) * share);
  }

  void shorten(json& document, double tokens) const {
    std::string* longest = nullptr;
    for (auto& [name, value] : members_in(document)) {
      std::string* text = text_in(value);
      if (text != nullptr && (longest == nullptr || text->size() > longest->size())) longest = text;
    }
    if (longest == nullptr) return;
    *longest = cut_end(*longest, bytes_of_share(*longest, tokens, sum_of(estimate_tokens(*longest, family_))));
  }

  // As a block of data in the system message, for templates that have no place for them.
  void tell_documents(json::array_t& documents, json::array_t& messages) {
    if (documents.empty()) return;
    json told = json::object();
    list_in(slot(told, "documents") = json::array()).swap(documents);
    std::string block = context_block(told, {.depth = 10, .members = 100'000, .bytes = kMostBlockBytes});
    change_block(block, kBlockHead.size());
    const bool has_system = !messages.empty() && string_or_empty(messages[0], "role") == "system";
    std::string* system = has_system ? content_of(messages[0]) : nullptr;
    if (system != nullptr) {
      *system += kBetween;
      *system += block;
      return;
    }
    json first = json::object();
    slot(first, "role") = "system";
    slot(first, "content") = std::move(block);
    messages.insert(messages.begin(), std::move(first));
  }

  // Renders what kept_ says. False where that is too much.
  bool render_kept() {
    json::array_t messages;
    for (std::size_t at = 0; at < messages_.size(); ++at) {
      if (!stays(at)) continue;
      if (!costs_[at].neutralised) {
        read_arguments(messages_[at]);
        change_message(messages_[at], Pass::kBreak);
        costs_[at].neutralised = true;
      }
      // Without a limit there is no second time.
      add(messages, limit_ > 0 ? json(messages_[at]) : std::move(messages_[at]));
    }
    if (!documents_.empty()) {
      json::array_t kept;
      for (std::size_t at = 0; at < documents_.size(); ++at) {
        if (kept_.documents[at] == 0) continue;
        add(kept, json(documents_[at]));
        if (kept_.documents[at] != kWhole) shorten(kept.back(), kept_.documents[at]);
        if (neutralises_) change_all(kept.back(), Pass::kBreak);
      }
      if (folds_documents_) {
        slot(variables_, "documents") = nullptr;
        tell_documents(kept, messages);
      } else {
        list_in(slot(variables_, "documents")).swap(kept);
      }
    }
    if (answers_messages_) sent_ = messages;
    list_in(slot(variables_, "messages")).swap(messages);
    render_safely();
    if (problem_) return true;
    estimate_ = count();
    return limit_ == 0 || estimate_.at_most <= limit_;
  }

  // Into prompt_, or problem_.
  void make_fit() {
    change_context();
    if (neutralises_all_) change_all(slot(variables_, "tools"), Pass::kBreak);
    kept_.documents.assign(documents_.size(), kWhole);
    const bool whole = std::find(roles_.begin(), roles_.end(), Role::kLeftOut) == roles_.end();
    if ((limit_ == 0 || (whole && bytes() <= limit_ * kBytesThatMayFit)) && render_kept()) return;
    measure();
    const std::size_t question = last_question(roles_);
    double room = 0;
    bool least_fits = false;
    for (int tries = 0; tries < kMostTries; ++tries) {
      if (!least_fits) {
        kept_.from = question;
        kept_.documents.assign(documents_.size(), 0.0);
        least_fits = render_kept();
        if (problem_) return;
        if (!least_fits) {
          if (!cut_largest(question)) break;
          continue;
        }
        const double growth = std::sqrt(limit_ / std::max(1.0, estimate_.at_most)) - 1;
        room = limit_ - estimate_.at_most - estimate_.spread * growth;
      }
      kept_ = keep_within(room, roles_, priorities_, *this);
      if (kept_.needs_more || render_kept()) return;
      room = kept_.used - (estimate_.at_most - limit_);
    }
    refuse_size(question);
  }

  // Of the messages that must stay.
  std::size_t largest(std::size_t question) {
    std::size_t found = question;
    std::size_t most = 0;
    for (std::size_t at = 0; at < messages_.size(); ++at) {
      const std::size_t size = string_or_empty(messages_[at], "content").size();
      if ((at >= question || roles_[at] == Role::kSystem) && size > most) {
        most = size;
        found = at;
      }
    }
    return found;
  }

  void refuse_size(std::size_t question) {
    const std::string path = fill("messages[{}].content", {digits(static_cast<std::int64_t>(largest(question)))});
    problem_ = make_error(
        "too-large",
        fill("{} is too large: with what must stay, the prompt may be {} tokens, and {} fit. Shorten it, set "
             "budget.truncate to \"middle\", or take a model with a larger context window.",
             {path, digits(static_cast<std::int64_t>(estimate_.at_most)), digits(static_cast<std::int64_t>(limit_))}),
        path);
  }

  // Always from its whole text. False where that may not be, or there is nothing left to cut.
  bool cut_largest(std::size_t question) {
    const std::size_t at = largest(question);
    std::string* content = content_of(messages_[at]);
    if (!truncates_ || content == nullptr || content->size() <= 2 * kLeastShortened) return false;
    std::string& whole = costs_[at].whole;
    if (whole.empty()) whole = *content;
    const double tokens = estimate_tokens(*content, family_).at_most;
    const std::size_t left = bytes_of_share(*content, tokens - (estimate_.at_most - limit_), tokens);
    *content = cut_middle(whole, std::max(kLeastShortened, left) - kLeastShortened / 2);
    return true;
  }

  // ---------------------------------------------------------------------------------------------------- answer

  static void write_dropped(JsonWriter& answer, std::string_view kind, std::size_t index, std::size_t count,
                            bool shortened) {
    answer.open('{').text("kind", kind).number("index", static_cast<double>(index));
    if (count > 1) answer.number("count", static_cast<double>(count));
    answer.text("reason", std::string_view(shortened ? "shortened" : "budget")).close('}');
  }

  std::string answer() const {
    JsonWriter answer;
    answer.open('{');
    if (answers_messages_) {
      answer.name("messages").open('[');
      for (const json& message : sent_) {
        answer.open('{').text("role", string_or_empty(message, "role"));
        answer.text("content", string_or_empty(message, "content")).close('}');
      }
      answer.close(']');
    }
    answer.text("prompt", prompt_).number("tokens", estimate_.tokens).number("atMost", estimate_.at_most);
    answer.name("dropped").open('[');
    for (std::size_t at = 0, first = 0; at < kept_.from; at = ++first) {
      while (first < kept_.from && !stays(first)) ++first;
      if (first > at) write_dropped(answer, "message", at, first - at, false);
    }
    for (std::size_t at = 0; at < messages_.size(); ++at) {
      if (!costs_[at].whole.empty()) write_dropped(answer, "message", at, 1, true);
    }
    for (std::size_t at = 0; at < kept_.documents.size(); ++at) {
      const double tokens = kept_.documents[at];
      if (tokens != kWhole) write_dropped(answer, "document", at, 1, tokens > 0);
    }
    answer.close(']').name("warnings").open('[');
    for (unsigned bit = 0; bit < kWarningCount; ++bit) {
      if ((warnings_ >> bit & 1U) != 0) answer.text(word_at(kWarnings, bit));
    }
    return answer.close(']').close('}').take();
  }

  Renderer& renderer_;
  json request_;
  OwnedError problem_;
  unsigned warnings_ = 0;

  std::uint32_t template_ = 0;
  RenderRequest rendering_;
  bool continues_ = false;
  bool neutralises_ = true;
  bool neutralises_all_ = false;
  unsigned ways_ = 0;
  std::vector<std::string_view> marker_texts_;
  std::vector<std::string_view> special_texts_;
  json::array_t messages_;
  std::size_t argument_bytes_ = 0;
  std::vector<Role> roles_;
  json::array_t documents_;
  std::vector<double> priorities_;
  json variables_;

  const Markers* markers_ = nullptr;
  // One token each.
  const Markers* special_ = nullptr;
  // A text was seen that might be part of a marker.
  bool open_ = false;

  TokenizerFamily family_ = TokenizerFamily::kUnknown;
  // 0: none.
  double limit_ = 0;
  bool answers_messages_ = false;
  bool folds_documents_ = false;
  // For the answer: what the template was given.
  json::array_t sent_;
  bool truncates_ = false;
  double overhead_ = 0;
  // Of the messages.
  std::vector<Cost> costs_;
  Kept kept_;
  std::string prompt_;
  TokenEstimate estimate_ = {0, 0, 0};
};

}  // namespace

Result<std::string> format_chat(Renderer& renderer, std::string_view request) {
  auto parsed = parse_json(request, kMostValues);
  if (!parsed) return parsed.take_error();
  const json* variables = find_any_member(parsed.value(), "variables");
  if (variables == nullptr || !variables->is_object()) {
    return make_error("invalid-input", "There are no variables.", "variables");
  }
  return Chat(renderer, std::move(parsed).value()).run();
}

}  // namespace tierwise::prompt
