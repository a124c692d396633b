#include "prompt/chat.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/field_reader.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "base/words.h"
#include "prompt/budget.h"
#include "prompt/code_points.h"
#include "prompt/neutralise.h"
#include "prompt/tokens.h"

namespace tierwise::prompt {
namespace {

// As Transformers: the blank behind it shows whether the template strips contents.
constexpr std::string_view kContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr std::string_view kDot = "\xC2\xB7";  // ·
constexpr std::string_view kBetween = "\n\n";
constexpr std::string_view kRefused = "template-refused";
// Two messages more than the first alone.
constexpr std::string_view kThreeSmall =
    R"([{"role":"user","content":"x"},{"role":"assistant","content":"x"},{"role":"user","content":"x"}])";
constexpr double kMostTokens = 1e9;
constexpr std::size_t kMostDocuments = 1000;
// Each time less is kept, by all that was too much.
constexpr int kMostTries = 24;
constexpr std::size_t kLeastShortened = 64;
// The note of what is left out, and the roundness of estimates.
constexpr double kNoteTokens = 32;

enum Way : unsigned { kFold = 1, kMerge = 2 };

struct Warning {
  std::string_view code;
  std::string_view message;
};
// In the order of their bits; the first two are those of Way.
constexpr Warning kWarnings[] = {
    {"system-folded", "The template refuses a system message: it stands at the beginning of the user message."},
    {"messages-merged", "The template refuses messages of one role in a row: they were put together."},
    {"arguments-kept", "The arguments of a tool call are text that is no JSON, and were left as they are."},
    {"markers-broken", "What looked like a marker of the model in a text was broken."},
};
constexpr unsigned kArgumentsKept = 4;
constexpr unsigned kMarkersBroken = 8;
enum class Pass : std::uint8_t { kBreak, kLook, kGuard };

enum Type : std::uint8_t { kFlag = 1, kNumber = 2, kText = 4, kTexts = 8, kNumbers = 16, kObject = 32 };

// What a field must be where it is given.
struct Field {
  std::string_view name;
  std::string_view rule;
  std::uint8_t types;
  // Of a text; none: any.
  std::string_view words = {};
  // Of a number.
  double lowest = 0;
  double highest = 0;
};
constexpr std::string_view kTrueOrFalse = "true or false";
constexpr std::string_view kListOfTexts = "a list of texts";
constexpr std::string_view kAnObject = "an object";
constexpr std::string_view kOfTokens = "a number of tokens";
constexpr Field kFields[] = {
    {"template", "a number from Renderer::add", kNumber, {}, 0, 4294967295.0},
    {"now", "a time in ms", kNumber, {}, -8.64e15, 8.64e15},
    {"continueFinalMessage", kTrueOrFalse, kFlag},
    {"addGenerationPrompt", kTrueOrFalse, kFlag},
    {"system", "\"own\" or \"folded\"", kText, "own folded"},
    {"neutralise", "true, false or \"all\"", kFlag | kText, "all"},
    {"markers", kListOfTexts, kTexts},
    {"special", kListOfTexts, kTexts},
    {"variables", kAnObject, kObject},
    {"priorities", "a list of numbers", kNumbers},
    {"budget", kAnObject, kObject},
    {"budget.family", "a text", kText},
    {"budget.contextWindow", kOfTokens, kNumber, {}, 1, kMostTokens},
    {"budget.reservedOutput", kOfTokens, kNumber, {}, 0, kMostTokens},
    {"budget.truncate", "\"middle\"", kText, "middle"},
};
constexpr std::string_view kBudget = "budget.";

bool fits(const json& value, const Field& field) {
  if (value.is_array()) {
    for (const json& one : elements_of(value)) {
      if ((field.types & (string_in(one) != nullptr ? kTexts : one.is_number() ? kNumbers : 0)) == 0) return false;
    }
    return (field.types & (kTexts | kNumbers)) != 0;
  }
  if (const std::string* text = string_in(value)) {
    return (field.types & kText) != 0 && (field.words.empty() || has_word(field.words, *text));
  }
  if (value.is_number()) {
    const double number = value.get<double>();
    return (field.types & kNumber) != 0 && number >= field.lowest && number <= field.highest;
  }
  return (field.types & (value.is_boolean() ? kFlag : value.is_object() ? kObject : 0)) != 0;
}

json* member(json& object, std::string_view name) { return const_cast<json*>(find_any_member(object, name)); }
json::array_t& list_in(json& value) { return value.get_ref<json::array_t&>(); }
json::object_t& members_in(json& value) { return value.get_ref<json::object_t&>(); }
std::string* text_in(json& value) { return const_cast<std::string*>(string_in(value)); }
std::string* content_of(json& message) {
  json* content = member(message, "content");
  return content == nullptr ? nullptr : text_in(*content);
}

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
      message = json::object();
      slot(message, "role") = "user";
      slot(message, "content") = std::move(waiting);
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
    made.push_back(std::move(message));
  }
  messages.swap(made);
  return done == ways;
}

// Names that templates ask for by name, so that a changed one would be another.
bool is_plain_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); });
}

class Chat final : private Costs {
 public:
  Chat(Renderer& renderer, json request) : renderer_(renderer), request_(std::move(request)) {}

  Result<std::string> run() {
    read_request();
    if (problem_) return std::move(problem_);
    const Markers markers(marker_texts_);
    markers_ = &markers;
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

  void complain(std::string_view path, std::string_view rule) {
    if (!problem_) problem_ = bad_field(path, rule);
  }

  static std::string message_path(std::size_t index, std::string_view rest) {
    return fill("messages[{}]{}", {digits(static_cast<std::int64_t>(index)), rest});
  }
  void complain_of(std::size_t index, std::string_view rest, std::string_view rule) {
    complain(message_path(index, rest), rule);
  }

  void read_fields() {
    if (!request_.is_object()) return complain("The request", kAnObject);
    const json* budget = nullptr;
    for (const Field& field : kFields) {
      const bool inner = field.name.substr(0, kBudget.size()) == kBudget;
      const json* value = !inner              ? find_any_member(request_, field.name)
                          : budget == nullptr ? nullptr
                                              : find_any_member(*budget, field.name.substr(kBudget.size()));
      if (value == nullptr) continue;
      if (!fits(*value, field)) complain(field.name, field.rule);
      if (value->is_object()) budget = value;
    }
    if (budget == nullptr || problem_) return;
    family_ = tokenizer_family(string_or_empty(*budget, "family"));
    truncates_ = find_any_member(*budget, "truncate") != nullptr;
    const double window = optional_number(*budget, "contextWindow").value_or(0);
    limit_ = window - optional_number(*budget, "reservedOutput").value_or(0);
    if (limit_ <= 0 && window > 0) complain("budget.reservedOutput", "less than contextWindow");
    limit_ = std::max(limit_, 0.0);
  }

  void read_request() {
    read_fields();
    if (problem_) return;
    template_ = static_cast<std::uint32_t>(optional_number(request_, "template").value_or(0));
    rendering_.now = optional_number(request_, "now").value_or(0);
    continues_ = is_set(request_, "continueFinalMessage");
    const bool adds_prompt = optional_bool(request_, "addGenerationPrompt").value_or(!continues_);
    if (continues_ && adds_prompt) complain("addGenerationPrompt", "false where continueFinalMessage is set");
    ways_ = string_or_empty(request_, "system") == "folded" ? unsigned{kFold} : 0U;
    neutralises_all_ = !string_or_empty(request_, "neutralise").empty();
    neutralises_ = neutralises_all_ || optional_bool(request_, "neutralise").value_or(true);
    read_texts("special", special_);
    marker_texts_ = special_;
    read_texts("markers", marker_texts_);
    for (const std::string& marker : renderer_.markers(template_)) marker_texts_.push_back(marker);

    json variables = json::object();
    if (json* given = member(request_, "variables")) variables.swap(*given);
    variables_.swap(variables);
    slot(variables_, "add_generation_prompt") = adds_prompt;
    slot(variables_, "tools");
    read_messages();
    json& documents = slot(variables_, "documents");
    if (documents.is_array()) documents_.swap(list_in(documents));
    if (documents_.size() > kMostDocuments) complain("documents", "a list of at most 1000");
    priorities_.assign(documents_.size(), 0.0);
    if (const json* priorities = find_any_member(request_, "priorities")) {
      const json::array_t& given = elements_of(*priorities);
      for (std::size_t at = 0; at < std::min(given.size(), priorities_.size()); ++at)
        priorities_[at] = given[at].get<double>();
    }
  }

  void read_texts(std::string_view field, std::vector<std::string_view>& into) {
    const json* list = find_any_member(request_, field);
    if (list == nullptr) return;
    for (const json& one : elements_of(*list)) {
      if (!string_in(one)->empty()) into.push_back(*string_in(one));
    }
  }

  void read_messages() {
    json* messages = member(request_, "messages");
    if (messages == nullptr || !messages->is_array() || elements_of(*messages).empty()) {
      return complain("messages", "a list of at least one message");
    }
    messages_.swap(list_in(*messages));
    slot(variables_, "messages").swap(*messages);
    costs_ = std::vector<Cost>(messages_.size());
    roles_.reserve(messages_.size());
    for (std::size_t at = 0; at < messages_.size() && !problem_; ++at) roles_.push_back(read_message(at));
  }

  Role read_message(std::size_t at) {
    json& message = messages_[at];
    if (message.is_null() && limit_ > 0) return Role::kLeftOut;
    if (!message.is_object()) complain_of(at, {}, "an object with a role and content");
    std::size_t role = word_position(kRoles, string_or_empty(message, "role"));
    if (role == static_cast<std::size_t>(Role::kDeveloper)) {
      *member(message, "role") = "system";
      role = 0;
    }
    if (role == kNoWord) {
      complain_of(at, ".role", "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"");
      return Role::kSystem;
    }
    if (const json* calls = find_member(message, "tool_calls")) {
      if (!calls->is_array()) {
        complain_of(at, ".tool_calls", "a list");
      } else {
        std::int64_t place = 0;
        for (const json& call : elements_of(*calls)) {
          const json* function = find_member(call, "function");
          if (function == nullptr || !optional_string(*function, "name")) {
            complain_of(at, fill(".tool_calls[{}].function.name", {digits(place)}), "a text");
          }
          ++place;
        }
      }
    }
    json* content = member(message, "content");
    if (content != nullptr && content->is_array()) join_parts(*content, at);
    const std::string* text = content == nullptr ? nullptr : text_in(*content);
    const bool says_nothing = content == nullptr || content->is_null();
    if (says_nothing ? role != static_cast<std::size_t>(Role::kAssistant) || !calls_tools(message)
                     : text == nullptr || text->find('\0') != std::string::npos) {
      complain_of(at, ".content", "text without NUL, or a list of text parts");
    }
    return static_cast<Role>(role);
  }

  void join_parts(json& content, std::size_t at) {
    std::string joined;
    std::int64_t place = 0;
    for (const json& part : elements_of(content)) {
      const auto text = optional_string(part, "text");
      if (string_or_empty(part, "type") != "text" || !text) {
        return complain_of(at, fill(".content[{}]", {digits(place)}), "{type: \"text\", text}: the prompt is text alone");
      }
      if (place++ > 0) joined += '\n';
      joined += text.value_or(std::string_view());
    }
    content = std::move(joined);
  }

  // Arguments that are JSON text become what it says.
  void read_arguments(json& message) {
    json* calls = member(message, "tool_calls");
    if (calls == nullptr || !calls->is_array()) return;
    for (json& call : list_in(*calls)) {
      json* arguments = member(*member(call, "function"), "arguments");
      if (arguments == nullptr || text_in(*arguments) == nullptr) continue;
      auto parsed = parse_json(*text_in(*arguments));
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

  // Names of members too: templates write those of documents.
  void change_all(json& value, Pass pass) {
    if (std::string* text = text_in(value)) {
      change(*text, pass);
    } else if (value.is_array()) {
      for (json& one : list_in(value)) change_all(one, pass);
    } else if (value.is_object()) {
      json::object_t changed;
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
      std::string* last = content_of(list_in(slot(variables_, "messages")).back());
      if (last == nullptr) return complain_of(roles_.size() - 1, ".content", "text to be continued");
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
    std::string text;
    std::string_view rest = prompt_;
    double tokens = 0;
    for (const std::string_view one : special_) {
      std::string without;
      std::size_t from = 0;
      for (std::size_t at; (at = rest.find(one, from)) != std::string::npos; from = at + one.size()) {
        without += rest.substr(from, at - from);
        ++tokens;
      }
      if (from == 0) continue;
      without += rest.substr(from);
      text.swap(without);
      rest = text;
    }
    TokenEstimate estimate = estimate_tokens(rest, family_);
    estimate.tokens += tokens;
    estimate.at_most += tokens;
    return estimate;
  }

  double cost(const json& value, double room) const {
    std::string texts;
    collect(value, texts);
    if (static_cast<double>(texts.size()) > (std::max(room, 0.0) + 1) * kMostBytesPerToken) return kWhole;
    return estimate_tokens(texts, family_).tokens;
  }

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
    auto small = parse_json(kThreeSmall);
    double sizes[2] = {};
    for (double& size : sizes) {
      slot(variables_, "messages") = small.value();
      const auto rendered = render();
      if (!rendered) return;
      prompt_ = rendered.value();
      size = count().tokens;
      list_in(small.value()).resize(1);
    }
    // The names and roles of members are counted with the texts.
    overhead_ = std::max(0.0, (sizes[0] - sizes[1]) / 2 - cost(elements_of(small.value())[0], kMostTokens));
  }

  double bytes() const {
    std::size_t sum = 0;
    for (const json& message : messages_) sum += string_or_empty(message, "content").size();
    return static_cast<double>(sum);
  }

  bool stays(std::size_t index) const { return index >= kept_.from || roles_[index] == Role::kSystem; }

  void shorten(json& document, double tokens) const {
    std::string* longest = nullptr;
    for (auto& [name, value] : members_in(document)) {
      std::string* text = text_in(value);
      if (text != nullptr && (longest == nullptr || text->size() > longest->size())) longest = text;
    }
    if (longest == nullptr) return;
    const double share = std::max(0.0, tokens - kNoteTokens) / estimate_tokens(*longest, family_).tokens;
    *longest = cut_end(*longest, static_cast<std::size_t>(static_cast<double>(longest->size()) * std::min(1.0, share)));
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
      json& kept = messages.emplace_back();
      if (limit_ > 0) {
        kept = messages_[at];
      } else {
        kept.swap(messages_[at]);
      }
    }
    list_in(slot(variables_, "messages")).swap(messages);
    if (json& documents = slot(variables_, "documents"); documents.is_array()) {
      json::array_t kept;
      for (std::size_t at = 0; at < documents_.size(); ++at) {
        if (kept_.documents[at] == 0) continue;
        kept.push_back(documents_[at]);
        if (kept_.documents[at] != kWhole) shorten(kept.back(), kept_.documents[at]);
        if (neutralises_) change_all(kept.back(), Pass::kBreak);
      }
      list_in(documents).swap(kept);
    }
    render_safely();
    if (problem_) return true;
    estimate_ = count();
    return limit_ == 0 || estimate_.at_most <= limit_;
  }

  // Into prompt_, or problem_.
  void make_fit() {
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
        kept_ = {question, std::vector<double>(documents_.size(), 0.0)};
        least_fits = render_kept();
        if (problem_) return;
        if (!least_fits) {
          if (!cut_largest(question)) break;
          continue;
        }
        room = limit_ - estimate_.at_most;
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
    const std::string path = message_path(largest(question), ".content");
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
    const double share = 1 - (estimate_.at_most - limit_ + kNoteTokens) / tokens;
    const double left = static_cast<double>(content->size()) * std::max(0.0, share);
    *content = cut_middle(whole, std::max(kLeastShortened, static_cast<std::size_t>(left)) - kLeastShortened / 2);
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
    answer.open('{').text("prompt", prompt_).number("tokens", estimate_.tokens).number("atMost", estimate_.at_most);
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
    for (unsigned bit = 0; bit < std::size(kWarnings); ++bit) {
      if ((warnings_ >> bit & 1U) == 0) continue;
      answer.open('{').text("code", kWarnings[bit].code).text("message", kWarnings[bit].message).close('}');
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
  std::vector<std::string_view> special_;
  std::vector<std::string_view> marker_texts_;
  json::array_t messages_;
  std::vector<Role> roles_;
  json::array_t documents_;
  std::vector<double> priorities_;
  json variables_;

  const Markers* markers_ = nullptr;
  // A text was seen that might be part of a marker.
  bool open_ = false;

  TokenizerFamily family_ = TokenizerFamily::kUnknown;
  // 0: none.
  double limit_ = 0;
  bool truncates_ = false;
  double overhead_ = 0;
  // Of the messages.
  std::vector<Cost> costs_;
  Kept kept_;
  std::string prompt_;
  TokenEstimate estimate_ = {0, 0};
};

}  // namespace

Result<std::string> format_chat(Renderer& renderer, std::string_view request) {
  auto parsed = parse_json(request);
  if (!parsed) return parsed.take_error();
  return Chat(renderer, std::move(parsed).value()).run();
}

}  // namespace tierwise::prompt
