#include "reply/piece.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "base/words.h"
#include "reply/error_body.h"
#include "reply/quote.h"

namespace tierwise::reply {
namespace {

constexpr int kMaxNesting = 4;

// Fields that carry a reply's text in servers without a protocol, in the order they are believed.
constexpr std::array<std::string_view, 7> kTextFields = {"content", "response", "text", "output",
                                                         "result",  "delta",    "chunk"};

struct Content {
  std::string text;
  std::string reasoning;
};

// Message content: text, null, or a list of parts ({"type": "text", "text"} and Mistral's {"type": "thinking"}).
Content read_content(const json& content, int depth = 0) {
  Content out;
  if (const std::string* text = string_in(content)) out.text = *text;
  if (content.is_object()) {
    if (const json* thinking = find_member(content, "thinking")) {
      Content inner = depth < kMaxNesting ? read_content(*thinking, depth + 1) : Content{};
      out.reasoning = std::move(inner.text);
    }
    out.text = string_or_empty(content, "text");
  }
  if (content.is_array() && depth < kMaxNesting) {
    for (const json& part : elements_of(content)) {
      Content inner = read_content(part, depth + 1);
      out.text += inner.text;
      out.reasoning += inner.reasoning;
    }
  }
  return out;
}

// What ReplyPiece holds. An error stands alone.
struct Piece {
  std::optional<std::string> text;
  std::optional<std::string> reasoning;
  std::optional<std::string> full;
  std::string model;
  std::string_view finish;
  bool done = false;
  std::optional<double> input;
  std::optional<double> output;
  std::optional<ErrorBody> error;
};

class PieceReader {
 public:
  PieceReader(Protocol protocol, Part part) : plain_(protocol == Protocol::kPlain), frame_(part == Part::kFrame) {}

  bool read(const json& value, int depth = 0) {
    if (depth > kMaxNesting) return false;
    if (value.is_object()) return read_object(value, depth);
    const bool contents = plain_ || depth > 0;
    if (const std::string* text = string_in(value); text != nullptr && contents) {
      if (depth > 0 || frame_ || !is_error_line(*text)) return set_text(*text);
      piece_.error = read_error_value(value);
      return true;
    }
    if (!value.is_array() || value.empty()) return false;
    const json& first = elements_of(value).front();
    return (contents || first.is_object()) && read(first, depth + 1);
  }

  std::string written() const {
    JsonWriter out;
    out.open('{');
    piece_.error ? write_error(out.name("error"), *piece_.error) : write_piece(out);
    return out.close('}').take();
  }

 private:
  void write_piece(JsonWriter& out) const {
    if (piece_.text) out.text("text", *piece_.text);
    if (piece_.reasoning) out.text("reasoning", *piece_.reasoning);
    if (piece_.full) out.text("full", *piece_.full);
    if (piece_.done) out.flag("done", true);
    if (!piece_.finish.empty()) out.text("finish", piece_.finish);
    const bool counted = piece_.input || piece_.output;
    if (counted) {
      out.name("usage").open('{').number("input", piece_.input).number("output", piece_.output).close('}');
    }
    const bool only_text =
        (piece_.text || piece_.reasoning) && piece_.finish.empty() && !counted && !piece_.done && !piece_.full;
    if (!piece_.model.empty() && !(frame_ && only_text)) out.text("model", piece_.model);
  }

  static void write_error(JsonWriter& out, const ErrorBody& error) {
    out.open('{');
    if (!error.message.empty()) out.text("message", error.message);
    if (!error.type.empty()) out.text("type", error.type);
    if (!error.title.empty()) out.text("title", error.title);
    out.number("status", error.status).close('}');
  }

  // What a server that forgot the status answers: one short line that calls itself an error.
  static bool is_error_line(std::string_view text) {
    constexpr std::size_t kShort = 300;
    const std::string start = lower_case(text.substr(0, kShort));
    return text.size() <= kShort && text.find('\n') == std::string_view::npos &&
           (start.starts_with("error:") || start == "internal server error");
  }

  bool set_text(std::string_view text) {
    if (!frame_ || !text.empty()) piece_.text = text;
    return true;
  }

  void set_finish(const json& object, std::string_view field) {
    const json* member = find_member(object, field);
    if (member == nullptr) return;
    const std::string* word = string_in(*member);
    if (word == nullptr) {
      piece_.finish = "other";
    } else if (!word->empty()) {
      end_with(*word);
    }
  }

  void end_with(std::string_view word) {
    piece_.finish = finish_reason(word);
    if (piece_.finish != kFailed || piece_.error) return;
    piece_.error.emplace();
    piece_.error->message = fill("The server ended its reply with the reason {}.", {quote_for_people(word)});
  }

  static void set_count(std::optional<double>& count, const json& object, std::string_view field) {
    const auto given = optional_number(object, field);
    if (given && std::isfinite(*given) && *given >= 0) count = given;
  }

  void set_model(const json& object, std::string_view field) {
    const std::string_view model = string_or_empty(object, field);
    if (!model.empty()) piece_.model = model;
  }

  bool read_object(const json& object, int depth) {
    if (read_error(object, depth)) return true;
    set_model(object, "model");
    set_model(object, "model_version");
    const bool known = read_text(object, depth);
    read_end(object);
    return known || frame_ || piece_.error;
  }

  bool read_text(const json& object, int depth) {
    if (const json* choices = find_member(object, "choices"); choices != nullptr && choices->is_array()) {
      return read_choices(*choices);
    }
    const json* token = frame_ ? find_member(object, "token") : nullptr;
    if (token != nullptr && !token->is_object() && !token->is_string()) token = nullptr;
    const json* generated = find_member(object, "generated_text");
    if (token != nullptr || generated != nullptr) return read_generated(token, generated);
    if (const json* message = find_member(object, "message"); message != nullptr && message->is_object()) {
      read_message(*message);
      return true;
    }
    for (const std::string_view field : kTextFields) {
      const json* member = find_member(object, field);
      if (member == nullptr) continue;
      if (field == "content" && member->is_array()) return set_content(read_content(*member));
      if (field == "output" && member->is_array() && !member->empty() && elements_of(*member).front().is_string()) {
        return set_content(read_content(*member));
      }
      if (read(*member, depth + 1)) return true;
    }
    const json* data = find_member(object, "data");
    return data != nullptr && (plain_ || depth > 0) && read(*data, depth + 1);
  }

  bool set_content(Content content) {
    if (!content.reasoning.empty()) piece_.reasoning = std::move(content.reasoning);
    return set_text(content.text);
  }

  // TGI, and the plain contract's answer.
  bool read_generated(const json* token, const json* generated) {
    bool special = false;
    if (token != nullptr) {
      special = is_set(*token, "special");
      if (!special) set_text(read_content(*token).text);
    }
    if (generated == nullptr) return token != nullptr;
    if (generated->is_array() && !generated->empty()) generated = &elements_of(*generated).front();
    const std::string* text = string_in(*generated);
    if (text == nullptr) return token != nullptr;
    if (!frame_) return set_text(*text);
    piece_.full = *text;
    piece_.done = true;
    if (special) piece_.finish = "stop";  // ended by the model's own token; `details` may say more
    return true;
  }

  bool read_choices(const json& choices) {
    bool first = true;
    for (const json& choice : elements_of(choices)) {
      const bool chosen = optional_number(choice, "index").value_or(first ? 0 : 1) == 0;
      first = false;
      if (!choice.is_object() || !chosen) continue;
      read_choice(choice);
      return true;
    }
    return false;
  }

  void read_choice(const json& choice) {
    const json* delta = find_member(choice, "delta");
    const json* message = find_member(choice, "message");
    if (delta != nullptr && delta->is_object()) {
      read_message(*delta);
    } else if (message != nullptr && message->is_object()) {
      read_message(*message);
      // A whole message inside a stream replaces what was streamed.
      if (frame_ && piece_.text) {
        piece_.full = std::move(piece_.text);
        piece_.text.reset();
      }
    } else {
      set_text(string_or_empty(choice, "text"));
    }
    set_finish(choice, "finish_reason");
    if (piece_.text && is_special_token(*piece_.text) && string_or_empty(choice, "finish_reason") == "eos_token") {
      piece_.text.reset();
      set_text({});
    }
  }

  void read_message(const json& message) {
    const json* content = find_member(message, "content");
    Content read = content == nullptr ? Content{} : read_content(*content);
    if (read.text.empty()) read.text = string_or_empty(message, "refusal");
    for (const std::string_view field : {"reasoning_content", "reasoning", "thinking"}) {
      if (read.reasoning.empty()) read.reasoning = string_or_empty(message, field);
    }
    set_content(std::move(read));
  }

  // Usage, finish reason and the end of the stream, wherever a server states them.
  void read_end(const json& object) {
    set_finish(object, "finish_reason");
    set_finish(object, "done_reason");
    if (const json* usage = find_member(object, "usage")) {
      set_count(piece_.input, *usage, "input_tokens");
      set_count(piece_.input, *usage, "prompt_tokens");
      set_count(piece_.output, *usage, "output_tokens");
      set_count(piece_.output, *usage, "completion_tokens");
    }
    if (const json* details = find_member(object, "details")) {
      set_finish(*details, "finish_reason");
      set_count(piece_.input, *details, "input_length");
      set_count(piece_.output, *details, "generated_tokens");
    }
    const bool stop = is_set(object, "stop");
    const bool done = is_set(object, "done");
    if (stop) read_llama_end(object);
    if (done) {
      set_count(piece_.input, object, "prompt_eval_count");
      set_count(piece_.output, object, "eval_count");
    }
    if (frame_ && (stop || done)) piece_.done = true;
  }

  void read_llama_end(const json& object) {
    set_finish(object, "stop_type");
    if (is_set(object, "stopped_eos") || is_set(object, "stopped_word")) {
      piece_.finish = "stop";
    } else if (is_set(object, "stopped_limit")) {
      piece_.finish = "length";
    }
    set_count(piece_.input, object, "tokens_evaluated");
    set_count(piece_.output, object, "tokens_predicted");
  }

  static bool carries_text(const json& object) {
    for (const std::string_view field : {"choices", "token", "generated_text", "data"}) {
      if (find_member(object, field) != nullptr) return true;
    }
    for (const std::string_view field : kTextFields) {
      if (find_member(object, field) != nullptr) return true;
    }
    return false;
  }

  // What says that the call failed where no member has a word of why; empty: nothing.
  static std::string stated_failure(const json& object) {
    for (const std::string_view field : {"success", "ok"}) {
      if (!optional_bool(object, field).value_or(true)) return fill("\"{}\": false", {field});
    }
    if (is_set(object, "is_error")) return "\"is_error\": true";
    if (optional_number(object, "status").value_or(0) >= 400) return "an error status";
    const std::string_view status = string_or_empty(object, "status");
    return !status.empty() && finish_reason(status) == kFailed ? fill("the status {}", {quote_for_people(status)}) : std::string();
  }

  static bool states_error(const json& object, bool frame) {
    const json* error = find_member(object, "error");
    if (error != nullptr) {
      const bool says_none = (error->is_boolean() && !error->get<bool>()) || (error->is_array() && error->empty()) ||
                             (error->is_string() && error->get_ref<const std::string&>().empty()) ||
                             (error->is_number() && error->get<double>() == 0);
      if (!says_none) return true;
    }
    if (string_or_empty(object, "object") == "error" || string_or_empty(object, "type") == "error") return true;
    if (carries_text(object)) return false;
    const json* message = find_member(object, "message");
    if (message != nullptr && message->is_string()) {
      // llama.cpp's frame {"code", "message", "type"}; a progress message alone is no error.
      return !frame || find_member(object, "code") != nullptr || find_member(object, "status") != nullptr;
    }
    return find_member(object, "detail") != nullptr;
  }

  bool read_error(const json& object, int depth) {
    const std::string failure = stated_failure(object);
    if (failure.empty() && !states_error(object, frame_)) return false;
    ErrorBody error = read_error_value(object);
    if (error.message.empty() && error.title.empty() && !failure.empty()) {
      read_text(object, depth);
      const std::string text = piece_.full.value_or(piece_.text.value_or(""));
      error.message = fill("The server answered with {}", {failure});
      error.message += text.empty() ? "." : fill(": {}", {quote_for_people(text)});
    }
    piece_.error = std::move(error);
    return true;
  }

  bool plain_;
  bool frame_;
  Piece piece_;
};

}  // namespace

std::optional<std::string> read_piece(Protocol protocol, const json& value, Part part) {
  PieceReader reader(protocol, part);
  if (!reader.read(value)) return std::nullopt;
  return reader.written();
}

std::string_view finish_reason(std::string_view word) {
  struct Reason {
    std::string_view words;
    std::string_view reason;
  };
  static constexpr Reason kReasons[] = {
      {"stop eos eos_token end_turn stop_sequence word complete", "stop"},
      {"length max_tokens max_length model_length limit", "length"},
      {"tool_calls tool_use function_call", "tool-calls"},
      {"content_filter safety refusal content-filter", "content-filter"},
      {"error failed failure exception abort aborted cancelled canceled", kFailed},
      {"unknown null none", "unknown"},
  };
  const std::string lower = lower_case(word);
  for (const Reason& known : kReasons) {
    if (has_word(known.words, lower)) return known.reason;
  }
  return "other";
}

bool is_special_token(std::string_view text) {
  return text.size() >= 3 && text.size() <= 40 && text.front() == '<' && text.back() == '>' &&
         text.find_first_of(" \n\t") == std::string_view::npos;
}

}  // namespace tierwise::reply
