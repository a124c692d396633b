#include "prompt/chat.h"

#include <algorithm>
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
// Beyond, not all messages can fit: a token of any language is less on average.
constexpr double kBytesThatMayFit = 8;
constexpr double kMostTokens = 1e9;
constexpr std::int64_t kMostDocuments = 1000;
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

json* member(json& object, std::string_view name) { return const_cast<json*>(find_any_member(object, name)); }
json::array_t& list_in(json& value) { return value.get_ref<json::array_t&>(); }
std::string* text_in(json& value) { return const_cast<std::string*>(string_in(value)); }
std::string* content_of(json& message) {
  json* content = member(message, "content");
  return content == nullptr ? nullptr : text_in(*content);
}

void put(json& object, std::string_view name, json value) {
  if (json* known = member(object, name)) {
    *known = std::move(value);
  } else {
    object.get_ref<json::object_t&>().push_back({std::string(name), std::move(value)});
  }
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

// System messages before the next user message; what is left at the end as one of the user. Whether there were any.
bool fold(json::array_t& messages) {
  json::array_t folded;
  bool any = false;
  std::string waiting;
  for (json& message : messages) {
    const std::string_view role = string_or_empty(message, "role");
    std::string* content = content_of(message);
    if (role == "system" && content != nullptr) {
      if (!waiting.empty()) waiting += kBetween;
      waiting += *content;
      any = true;
      continue;
    }
    if (role == "user" && content != nullptr && !waiting.empty()) {
      waiting += kBetween;
      content->insert(0, waiting);
      waiting.clear();
    }
    folded.push_back(std::move(message));
  }
  if (!waiting.empty()) {
    json message = json::object();
    put(message, "role", "user");
    put(message, "content", std::move(waiting));
    folded.push_back(std::move(message));
  }
  messages = std::move(folded);
  return any;
}

bool merge(json::array_t& messages) {
  std::size_t last = 0;
  for (std::size_t at = 1; at < messages.size(); ++at) {
    json& before = messages[last];
    json& message = messages[at];
    const std::string_view role = string_or_empty(message, "role");
    std::string* first = content_of(before);
    const std::string* second = content_of(message);
    if (role == string_or_empty(before, "role") && role != "tool" && first != nullptr && second != nullptr &&
        !calls_tools(before) && !calls_tools(message)) {
      *first += kBetween;
      *first += *second;
    } else if (++last != at) {
      messages[last] = std::move(message);
    }
  }
  const bool any = last + 1 < messages.size();
  while (messages.size() > last + 1) messages.pop_back();
  return any;
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
    Markers markers(marker_texts_);
    markers_ = &markers;
    std::string prompt = limit_ > 0 ? within_budget() : whole();
    if (problem_) return std::move(problem_);
    return answer(prompt);
  }

 private:
  // ------------------------------------------------------------------------------------------------- the request

  void complain(std::string_view path, std::string_view rule) {
    if (!problem_) problem_ = bad_field(path, rule);
  }

  static std::string path_of(std::string_view list, std::size_t index, std::string_view rest = {}) {
    return fill("{}[{}]{}", {list, digits(static_cast<std::int64_t>(index)), rest});
  }

  void read_texts(std::string_view field, std::vector<std::string_view>& into) {
    const json* list = find_any_member(request_, field);
    if (list == nullptr) return;
    if (!list->is_array()) return complain(field, "a list of texts");
    for (const json& one : elements_of(*list)) {
      const std::string* text = string_in(one);
      if (text == nullptr) return complain(field, "a list of texts");
      if (!text->empty()) into.push_back(*text);
    }
  }

  void read_request() {
    FieldReader fields(request_);
    fields.require_object("The request");
    template_ = static_cast<std::uint32_t>(fields.whole("template", 0, 4294967295.0));
    rendering_.now = fields.number_or("now", -8.64e15, 8.64e15, 0);
    continues_ = fields.has("continueFinalMessage") && fields.flag("continueFinalMessage");
    adds_prompt_ = fields.has("addGenerationPrompt") ? fields.flag("addGenerationPrompt") : !continues_;
    if (continues_ && adds_prompt_) fields.complain("addGenerationPrompt", "false where continueFinalMessage is set");
    if (fields.has("system")) {
      const std::string_view system = fields.string("system");
      if (system == "folded") ways_ = kFold;
      if (system != "folded" && system != "own") fields.complain("system", "\"own\" or \"folded\"");
    }
    if (fields.has("neutralise")) {
      const json* wish = find_any_member(request_, "neutralise");
      neutralises_all_ = string_or_empty(request_, "neutralise") == "all";
      neutralises_ = neutralises_all_ || is_set(request_, "neutralise");
      if (!neutralises_all_ && !wish->is_boolean()) fields.complain("neutralise", "true, false or \"all\"");
    }
    for (const std::string_view name : {"bos", "eos"}) {
      if (fields.has(name)) special_.push_back(fields.string(name));
    }
    if (fields.failed()) {
      problem_ = fields.take_problem();
      return;
    }
    special_.erase(std::remove(special_.begin(), special_.end(), std::string_view()), special_.end());
    marker_texts_ = special_;
    read_texts("markers", marker_texts_);
    read_texts("special", special_);
    read_budget();
    read_messages();
    read_documents();
    read_variables();
  }

  void read_budget() {
    json* budget = member(request_, "budget");
    if (budget == nullptr || problem_) return;
    FieldReader fields(*budget, "budget.");
    fields.require_object("budget");
    if (fields.has("family")) family_ = tokenizer_family(fields.string("family"));
    if (fields.has("contextWindow")) {
      const double window = fields.whole("contextWindow", 1, kMostTokens);
      const double reserved = fields.whole_or("reservedOutput", 0, std::max(0.0, window - 1), 0);
      limit_ = window - reserved;
    }
    if (fields.has("truncate")) {
      truncates_ = fields.string("truncate") == "middle";
      if (!truncates_) fields.complain("truncate", "\"middle\"");
    }
    if (!problem_) problem_ = fields.take_problem();
  }

  void read_messages() {
    json* messages = member(request_, "messages");
    if (problem_) return;
    if (messages == nullptr || !messages->is_array() || elements_of(*messages).empty()) {
      return complain("messages", "a list of at least one message");
    }
    messages_ = std::move(list_in(*messages));
    roles_.reserve(messages_.size());
    for (std::size_t at = 0; at < messages_.size() && !problem_; ++at) read_message(at);
  }

  void read_message(std::size_t at) {
    json& message = messages_[at];
    if (!message.is_object()) return complain(path_of("messages", at), "an object with a role and content");
    json* name = member(message, "role");
    if (string_or_empty(message, "role") == "developer") *name = "system";
    const std::size_t role = word_position(kRoles, string_or_empty(message, "role"));
    if (role == kNoWord) {
      return complain(path_of("messages", at, ".role"),
                      "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"");
    }
    roles_.push_back(static_cast<Role>(role));
    if (json* calls = member(message, "tool_calls"); calls != nullptr && !calls->is_null()) read_calls(*calls, at);
    json* content = member(message, "content");
    if (content == nullptr || content->is_null()) {
      if (roles_.back() != Role::kAssistant || !calls_tools(message)) {
        complain(path_of("messages", at, ".content"), "text or a list of text parts");
      }
      return;
    }
    if (content->is_array()) join_parts(*content, at);
    const std::string* text = string_in(*content);
    if (text == nullptr || text->find('\0') != std::string::npos) {
      complain(path_of("messages", at, ".content"), "text without NUL, or a list of text parts");
    }
  }

  void join_parts(json& content, std::size_t at) {
    std::string joined;
    std::size_t place = 0;
    for (const json& part : elements_of(content)) {
      const json* text = find_any_member(part, "text");
      if (string_or_empty(part, "type") != "text" || text == nullptr || string_in(*text) == nullptr) {
        return complain(path_of(path_of("messages", at, ".content"), place),
                        "{type: \"text\", text}: the prompt is text alone");
      }
      if (place++ > 0) joined += '\n';
      joined += *string_in(*text);
    }
    content = std::move(joined);
  }

  void read_calls(json& calls, std::size_t at) {
    const std::string path = path_of("messages", at, ".tool_calls");
    if (!calls.is_array()) return complain(path, "a list");
    std::size_t place = 0;
    for (json& call : list_in(calls)) {
      json* function = member(call, "function");
      const json* name = function == nullptr ? nullptr : find_any_member(*function, "name");
      if (name == nullptr || string_in(*name) == nullptr) {
        return complain(path_of(path, place, ".function.name"), "a text");
      }
      json* arguments = member(*function, "arguments");
      if (arguments != nullptr && string_in(*arguments) != nullptr) {
        auto parsed = parse_json(*string_in(*arguments));
        if (parsed) {
          *arguments = std::move(parsed).value();
        } else {
          warnings_ |= kArgumentsKept;
        }
      }
      ++place;
    }
  }

  void read_documents() {
    json* documents = member(request_, "documents");
    if (documents == nullptr || documents->is_null() || problem_) return;
    if (!documents->is_array()) return complain("documents", "a list of objects");
    documents_ = std::move(list_in(*documents));
    if (documents_.size() > static_cast<std::size_t>(kMostDocuments))
      complain("documents", fill("a list of at most {}", {digits(kMostDocuments)}));
    for (std::size_t at = 0; at < documents_.size(); ++at) {
      auto* members = documents_[at].get_ptr<json::object_t*>();
      if (members == nullptr) return complain(path_of("documents", at), "an object");
      const json* priority = find_any_member(documents_[at], "priority");
      if (priority != nullptr && !priority->is_number())
        return complain(path_of("documents", at, ".priority"), "a number");
      priorities_.push_back(priority == nullptr ? 0 : priority->get<double>());
      if (priority != nullptr) {
        json rest = json::object();
        for (auto& [name, value] : *members) {
          if (name != "priority") put(rest, name, std::move(value));
        }
        documents_[at] = std::move(rest);
      }
    }
    has_documents_ = true;
  }

  void read_variables() {
    json* given = member(request_, "variables");
    if (problem_) return;
    variables_ = json::object();
    if (given != nullptr && !given->is_null()) {
      if (!given->is_object()) return complain("variables", "an object");
      variables_ = std::move(*given);
    }
    json* tools = member(request_, "tools");
    if (tools != nullptr && !tools->is_null() && !tools->is_array()) return complain("tools", "a list");
    put(variables_, "tools", tools != nullptr ? std::move(*tools) : json());
    put(variables_, "documents", json());
    for (const std::string_view name : {"bos", "eos"}) {
      const json* token = find_any_member(request_, name);
      if (token != nullptr) put(variables_, fill("{}_token", {name}), *token);
    }
  }

  // --------------------------------------------------------------------------------------------------- the texts

  bool change(std::string& text, Pass pass) {
    if (pass == Pass::kBreak) {
      const bool broken = markers_->neutralise(text);
      if (broken) warnings_ |= kMarkersBroken;
      return broken;
    }
    const unsigned sides = markers_->open_sides(text);
    open_ = open_ || sides != 0;
    if (pass == Pass::kLook || sides == 0) return false;
    if ((sides & kLeft) != 0) text.insert(0, kDot);
    if ((sides & kRight) != 0) text += kDot;
    return true;
  }

  bool change_name(std::string& name, Pass pass) { return !is_plain_name(name) && change(name, pass); }

  // Names of members too: templates write those of documents.
  void change_all(json& value, Pass pass) {
    if (std::string* text = text_in(value)) {
      change(*text, pass);
    } else if (value.is_array()) {
      for (json& one : list_in(value)) change_all(one, pass);
    } else if (value.is_object()) {
      json changed = json::object();
      bool any = false;
      for (auto& [name, one] : value.get_ref<json::object_t&>()) {
        std::string other = name;
        any = change_name(other, pass) || any;
        change_all(one, pass);
      }
      if (!any) return;
      for (auto& [name, one] : value.get_ref<json::object_t&>()) {
        std::string other = name;
        change_name(other, pass);
        put(changed, other, std::move(one));
      }
      value = std::move(changed);
    }
  }

  void change_message(json& message, Pass pass) {
    const std::string_view role = string_or_empty(message, "role");
    if (!neutralises_ || (!neutralises_all_ && role != "user" && role != "tool")) return;
    for (auto& [name, value] : message.get_ref<json::object_t&>()) {
      if (name != "role") change_all(value, pass);
    }
  }

  void change_variables(Pass pass) {
    for (json& message : list_in(*member(variables_, "messages"))) change_message(message, pass);
    if (!neutralises_) return;
    change_all(*member(variables_, "documents"), pass);
    if (neutralises_all_) change_all(*member(variables_, "tools"), pass);
  }

  // -------------------------------------------------------------------------------------------------- rendering

  Result<std::string> render() { return renderer_.render(template_, variables_, rendering_); }

  // Whether there was something to do for each.
  bool apply(unsigned ways) {
    json::array_t& messages = list_in(*member(variables_, "messages"));
    return ((ways & kFold) == 0 || fold(messages)) && ((ways & kMerge) == 0 || merge(messages));
  }

  // What is in variables_, in the first way that the template takes.
  Result<std::string> render_somehow() {
    json& messages = *member(variables_, "messages");
    const unsigned declared = ways_;
    apply(declared);
    auto rendered = render();
    if (rendered || rendered.error().code != "template-error") return rendered;
    const json given = messages;
    for (unsigned ways = 1; ways < 4; ++ways) {
      if ((ways & declared) != 0) continue;
      if (apply(ways)) {
        auto other = render();
        if (other) {
          ways_ = declared | ways;
          warnings_ |= ways;
          return other;
        }
      }
      messages = given;
    }
    return rendered;
  }

  // Renders `messages` (given away), with nothing that came about at the ends of texts.
  std::string render_safely(json messages, json documents) {
    if (continues_) {
      std::string* last = content_of(list_in(messages).back());
      if (last == nullptr) {
        complain(path_of("messages", roles_.size() - 1, ".content"), "text to be continued");
        return {};
      }
      *last += kContinueTag;
    }
    put(variables_, "messages", std::move(messages));
    put(variables_, "documents", std::move(documents));
    put(variables_, "add_generation_prompt", adds_prompt_);
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
      if (!problem_) problem_ = rendered.take_error();
      return {};
    }
    std::string prompt = std::move(rendered).value();
    if (continues_) cut_behind_tag(prompt);
    return prompt;
  }

  void cut_behind_tag(std::string& prompt) {
    const std::size_t at = prompt.rfind(strip(kContinueTag, kRight));
    if (at == std::string::npos) {
      if (!problem_) {
        problem_ = make_error("cannot-continue", "The template does not write the last message as it is.",
                              "continueFinalMessage");
      }
      return;
    }
    const bool kept = std::string_view(prompt).substr(at, kContinueTag.size()) == kContinueTag;
    prompt.resize(at);
    if (!kept) prompt.resize(strip(prompt, kRight).size());
  }

  std::string whole() {
    for (json& message : messages_) change_message(message, Pass::kBreak);
    json documents = has_documents_ ? json(std::move(documents_)) : json();
    if (neutralises_) change_all(documents, Pass::kBreak);
    break_tools();
    std::string prompt = render_safely(std::move(messages_), std::move(documents));
    count(prompt);
    return prompt;
  }

  void break_tools() {
    if (neutralises_all_) change_all(*member(variables_, "tools"), Pass::kBreak);
  }

  // ---------------------------------------------------------------------------------------------------- budget

  // Into estimate_.
  void count(std::string_view prompt) {
    std::string text;
    double tokens = 0;
    for (const std::string_view one : special_) {
      std::string without;
      std::size_t from = 0;
      for (std::size_t at; (at = prompt.find(one, from)) != std::string::npos; from = at + one.size()) {
        without += prompt.substr(from, at - from);
        ++tokens;
      }
      if (from == 0) continue;
      without += prompt.substr(from);
      text.swap(without);
      prompt = text;
    }
    estimate_ = estimate_tokens(prompt, family_);
    estimate_.tokens += tokens;
    estimate_.at_most += tokens;
  }

  double cost(const json& value, double room) {
    std::string texts;
    collect(value, texts);
    if (static_cast<double>(texts.size()) > (std::max(room, 0.0) + 1) * kMostBytesPerToken) return kWhole;
    return estimate_tokens(texts, family_).tokens;
  }

  double message(std::size_t index, double room) override {
    double& known = costs_[index];
    if (known == 0) {
      const double tokens = cost(messages_[index], room);
      if (tokens == kWhole) return tokens;
      known = tokens + overhead_;
    }
    return known;
  }
  double document(std::size_t index, double room) override { return cost(documents_[index], room); }

  // What the template writes around a message: two more of them, by what they make the prompt longer.
  void measure() {
    const auto small = [](std::string_view role) {
      json message = json::object();
      put(message, "role", std::string(role));
      put(message, "content", "x");
      return message;
    };
    double sizes[2] = {};
    for (double& size : sizes) {
      json::array_t messages;
      messages.push_back(small("user"));
      if (&size != sizes) {
        messages.push_back(small("assistant"));
        messages.push_back(small("user"));
      }
      put(variables_, "messages", std::move(messages));
      const auto rendered = render();
      if (!rendered) return;
      count(rendered.value());
      size = estimate_.tokens;
    }
    // The names and roles of members are counted with the texts.
    overhead_ = std::max(0.0, (sizes[1] - sizes[0]) / 2 - cost(small("user"), kMostTokens));
  }

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const json& message : messages_) sum += string_or_empty(message, "content").size();
    return sum;
  }

  bool stays(std::size_t index, const Kept& kept) const { return index >= kept.from || roles_[index] == Role::kSystem; }

  void shorten(json& document, double tokens) {
    auto& members = document.get_ref<json::object_t&>();
    std::string* longest = nullptr;
    for (auto& [name, value] : members) {
      std::string* text = text_in(value);
      if (text != nullptr && (longest == nullptr || text->size() > longest->size())) longest = text;
    }
    if (longest == nullptr) return;
    const double whole = estimate_tokens(*longest, family_).tokens;
    const double share = std::max(0.0, tokens - kNoteTokens) / std::max(1.0, whole);
    *longest = cut_end(*longest, static_cast<std::size_t>(static_cast<double>(longest->size()) * std::min(1.0, share)));
  }

  std::string render_kept(const Kept& kept) {
    json::array_t messages;
    for (std::size_t at = 0; at < messages_.size(); ++at) {
      if (!stays(at, kept)) continue;
      if (clean_[at] == 0) change_message(messages_[at], Pass::kBreak);
      clean_[at] = 1;
      messages.push_back(messages_[at]);
    }
    json::array_t documents;
    for (std::size_t at = 0; at < documents_.size(); ++at) {
      if (kept.documents[at] == 0) continue;
      documents.push_back(documents_[at]);
      if (kept.documents[at] != kWhole) shorten(documents.back(), kept.documents[at]);
      if (neutralises_) change_all(documents.back(), Pass::kBreak);
    }
    std::string prompt = render_safely(std::move(messages), has_documents_ ? json(std::move(documents)) : json());
    if (!problem_) count(prompt);
    return prompt;
  }

  std::string within_budget() {
    costs_.assign(messages_.size(), 0);
    clean_.assign(messages_.size(), '\0');
    break_tools();
    kept_.documents.assign(documents_.size(), kWhole);
    std::string prompt;
    if (static_cast<double>(bytes()) <= limit_ * kBytesThatMayFit) {
      prompt = render_kept(kept_);
      if (problem_ || estimate_.at_most <= limit_) return prompt;
    }
    measure();
    const std::size_t question = last_question(roles_);
    Kept least{question, std::vector<double>(documents_.size(), 0.0), 0};
    double room = limit_;
    for (int tries = 0; tries < kMostTries && !problem_; ++tries) {
      if (least_ == 0) {
        prompt = render_kept(least);
        if (problem_) break;
        if (estimate_.at_most > limit_) {
          cut_largest(question);
          continue;
        }
        least_ = estimate_.tokens;
        room = limit_ - estimate_.at_most;
      }
      kept_ = keep_within(room, roles_, priorities_, *this);
      prompt = render_kept(kept_);
      if (problem_ || estimate_.at_most <= limit_) return prompt;
      room = kept_.used - (estimate_.at_most - limit_);
    }
    if (!problem_) refuse_size(question);
    return {};
  }

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
    const std::string path = path_of("messages", largest(question), ".content");
    problem_ = make_error(
        "too-large",
        fill("{} is too large: with what must stay, the prompt may be {} tokens, and {} fit. Shorten it, set "
             "budget.truncate to \"middle\", or take a model with a larger context window.",
             {path, digits(static_cast<std::int64_t>(estimate_.at_most)), digits(static_cast<std::int64_t>(limit_))}),
        path);
  }

  // Of the messages that must stay; always from its whole text.
  void cut_largest(std::size_t question) {
    const std::size_t at = largest(question);
    std::string* content = content_of(messages_[at]);
    if (!truncates_ || content == nullptr || content->size() <= 2 * kLeastShortened) return refuse_size(question);
    const std::string name = digits(static_cast<std::int64_t>(at));
    if (find_any_member(cut_, name) == nullptr) put(cut_, name, *content);
    const std::string& whole = *string_in(*find_any_member(cut_, name));
    const double tokens = estimate_tokens(*content, family_).at_most;
    const double share = 1 - (estimate_.at_most - limit_ + kNoteTokens) / tokens;
    const double bytes = static_cast<double>(content->size()) * std::max(0.0, share);
    *content = cut_middle(whole, std::max(kLeastShortened, static_cast<std::size_t>(bytes)) - kLeastShortened / 2);
  }

  // ---------------------------------------------------------------------------------------------------- answer

  static void write_dropped(JsonWriter& answer, std::string_view kind, std::size_t index, std::size_t count,
                            std::string_view reason) {
    answer.open('{').text("kind", kind).number("index", static_cast<double>(index));
    if (count > 1) answer.number("count", static_cast<double>(count));
    answer.text("reason", reason).close('}');
  }

  std::string answer(std::string_view prompt) {
    JsonWriter answer;
    answer.open('{').text("prompt", prompt).number("tokens", estimate_.tokens).number("atMost", estimate_.at_most);
    answer.name("dropped").open('[');
    for (std::size_t at = 0, first = 0; at < kept_.from; at = ++first) {
      while (first < kept_.from && !stays(first, kept_)) ++first;
      if (first > at) write_dropped(answer, "message", at, first - at, "budget");
    }
    for (std::size_t at = 0; at < messages_.size() && !cut_.empty(); ++at) {
      if (find_any_member(cut_, digits(static_cast<std::int64_t>(at))))
        write_dropped(answer, "message", at, 1, "shortened");
    }
    for (std::size_t at = 0; at < kept_.documents.size(); ++at) {
      const double tokens = kept_.documents[at];
      if (tokens != kWhole) write_dropped(answer, "document", at, 1, tokens == 0 ? "budget" : "shortened");
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
  bool adds_prompt_ = true;
  bool neutralises_ = true;
  bool neutralises_all_ = false;
  unsigned ways_ = 0;
  std::vector<std::string_view> special_;
  std::vector<std::string_view> marker_texts_;
  json::array_t messages_;
  std::vector<Role> roles_;
  json::array_t documents_;
  std::vector<double> priorities_;
  bool has_documents_ = false;
  json variables_;

  const Markers* markers_ = nullptr;
  // A text was seen that might be part of a marker.
  bool open_ = false;

  TokenizerFamily family_ = TokenizerFamily::kUnknown;
  // 0: none.
  double limit_ = 0;
  bool truncates_ = false;
  double overhead_ = 0;
  // Of the messages that must stay; 0 before it is known.
  double least_ = 0;
  std::vector<double> costs_;
  // 1 for each message that is neutralised.
  std::string clean_;
  Kept kept_;
  // The whole texts of the messages that were shortened, by their index.
  json cut_ = json::object();
  TokenEstimate estimate_ = {0, 0};
};

}  // namespace

Result<std::string> format_chat(Renderer& renderer, std::string_view request) {
  auto parsed = parse_json(request);
  if (!parsed) return parsed.take_error();
  return Chat(renderer, std::move(parsed).value()).run();
}

}  // namespace tierwise::prompt
