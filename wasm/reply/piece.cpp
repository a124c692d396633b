#include "reply/piece.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "reply/error_body.h"

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

// Message content: text, null, or a list of parts ({"type": "text", "text"} and Mistral's {"type":
// "thinking"}).
Content read_content(const json& content, int depth = 0) {
  Content out;
  if (content.is_string()) out.text = content.get<std::string>();
  if (content.is_object()) {
    if (const json* thinking = find_member(content, "thinking")) {
      Content inner = depth < kMaxNesting ? read_content(*thinking, depth + 1) : Content{};
      out.reasoning = std::move(inner.text);
    }
    if (const json* text = find_member(content, "text"); text != nullptr && text->is_string()) {
      out.text = text->get<std::string>();
    }
  }
  if (content.is_array() && depth < kMaxNesting) {
    for (const json& part : content) {
      Content inner = read_content(part, depth + 1);
      out.text += inner.text;
      out.reasoning += inner.reasoning;
    }
  }
  return out;
}

class PieceReader {
 public:
  PieceReader(Protocol protocol, Part part)
      : plain_(protocol == Protocol::kPlain), frame_(part == Part::kFrame) {}

  bool read(const json& value, int depth = 0) {
    if (depth > kMaxNesting) return false;
    if (value.is_object()) return read_object(value, depth);
    const bool contents = plain_ || depth > 0;
    if (value.is_string() && contents) return set_text(value.get<std::string>());
    if (!value.is_array() || value.empty()) return false;
    return (contents || value.front().is_object()) && read(value.front(), depth + 1);
  }

  json take() {
    if (piece_.contains("error")) return json{{"error", std::move(piece_["error"])}};
    const bool only_text = (piece_.contains("text") || piece_.contains("reasoning")) &&
                           !piece_.contains("finish") && !piece_.contains("usage") &&
                           !piece_.contains("done") && !piece_.contains("full");
    if (!model_.empty() && !(frame_ && only_text)) piece_["model"] = std::move(model_);
    return std::move(piece_);
  }

 private:
  bool set_text(std::string text) {
    if (!frame_ || !text.empty()) piece_["text"] = std::move(text);
    return true;
  }

  void set_finish(const json& object, std::string_view field) {
    const auto word = optional_string(object, field);
    if (word && !word->empty()) piece_["finish"] = finish_reason(*word);
  }

  void set_count(std::string_view name, const json& object, std::string_view field) {
    const auto count = optional_number(object, field);
    if (count && std::isfinite(*count) && *count >= 0) piece_["usage"][std::string(name)] = *count;
  }

  bool read_object(const json& object, int depth) {
    if (read_error(object)) return true;
    if (auto model = optional_string(object, "model"); model && !model->empty()) model_ = std::move(*model);
    if (auto model = optional_string(object, "model_version"); model && !model->empty())
      model_ = std::move(*model);
    const bool known = read_text(object, depth);
    read_end(object);
    return known || frame_;
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
      if (field == "output" && member->is_array() && !member->empty() && member->front().is_string()) {
        return set_content(read_content(*member));
      }
      if (read(*member, depth + 1)) return true;
    }
    const json* data = find_member(object, "data");
    return data != nullptr && (plain_ || depth > 0) && read(*data, depth + 1);
  }

  bool set_content(Content content) {
    if (!content.reasoning.empty()) piece_["reasoning"] = std::move(content.reasoning);
    return set_text(std::move(content.text));
  }

  // TGI, and the plain contract's answer.
  bool read_generated(const json* token, const json* generated) {
    bool special = false;
    if (token != nullptr) {
      special = optional_bool(*token, "special").value_or(false);
      if (!special) set_text(read_content(*token).text);
    }
    if (generated == nullptr) return token != nullptr;
    if (generated->is_array() && !generated->empty()) generated = &generated->front();
    if (!generated->is_string()) return token != nullptr;
    if (!frame_) return set_text(generated->get<std::string>());
    piece_["full"] = generated->get<std::string>();
    piece_["done"] = true;
    if (special) piece_["finish"] = "stop";  // ended by the model's own token; `details` may say more
    return true;
  }

  bool read_choices(const json& choices) {
    for (std::size_t place = 0; place < choices.size(); ++place) {
      const json& choice = choices[place];
      const auto index = optional_number(choice, "index");
      if (!choice.is_object() || index.value_or(static_cast<double>(place)) != 0) continue;
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
      if (frame_ && piece_.contains("text")) {
        piece_["full"] = std::move(piece_["text"]);
        piece_.erase("text");
      }
    } else if (const json* text = find_member(choice, "text"); text != nullptr && text->is_string()) {
      set_text(text->get<std::string>());
    } else {
      set_text({});
    }
    set_finish(choice, "finish_reason");
    const bool ended_by_token = optional_string(choice, "finish_reason") == "eos_token";
    if (const auto text = optional_string(piece_, "text");
        text && ended_by_token && is_special_token(*text)) {
      piece_.erase("text");
      set_text({});
    }
  }

  void read_message(const json& message) {
    const json* content = find_member(message, "content");
    Content read = content == nullptr ? Content{} : read_content(*content);
    if (read.text.empty()) read.text = optional_string(message, "refusal").value_or("");
    for (const std::string_view field : {"reasoning_content", "reasoning", "thinking"}) {
      if (read.reasoning.empty()) read.reasoning = optional_string(message, field).value_or("");
    }
    set_content(std::move(read));
  }

  // Usage, finish reason and the end of the stream, wherever a server states them.
  void read_end(const json& object) {
    set_finish(object, "finish_reason");
    set_finish(object, "done_reason");
    if (const json* usage = find_member(object, "usage")) {
      set_count("input", *usage, "input_tokens");
      set_count("input", *usage, "prompt_tokens");
      set_count("output", *usage, "output_tokens");
      set_count("output", *usage, "completion_tokens");
    }
    if (const json* details = find_member(object, "details")) {
      set_finish(*details, "finish_reason");
      set_count("input", *details, "input_length");
      set_count("output", *details, "generated_tokens");
    }
    const bool stop = optional_bool(object, "stop").value_or(false);
    const bool done = optional_bool(object, "done").value_or(false);
    if (stop) read_llama_end(object);
    if (done) {
      set_count("input", object, "prompt_eval_count");
      set_count("output", object, "eval_count");
    }
    if (frame_ && (stop || done)) piece_["done"] = true;
  }

  void read_llama_end(const json& object) {
    set_finish(object, "stop_type");
    if (optional_bool(object, "stopped_eos").value_or(false) ||
        optional_bool(object, "stopped_word").value_or(false)) {
      piece_["finish"] = "stop";
    } else if (optional_bool(object, "stopped_limit").value_or(false)) {
      piece_["finish"] = "length";
    }
    set_count("input", object, "tokens_evaluated");
    set_count("output", object, "tokens_predicted");
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

  static bool states_error(const json& object, bool frame) {
    const json* error = find_member(object, "error");
    if (error != nullptr) {
      const bool says_none = (error->is_boolean() && !error->get<bool>()) ||
                             (error->is_array() && error->empty()) ||
                             (error->is_string() && error->get_ref<const std::string&>().empty()) ||
                             (error->is_number() && error->get<double>() == 0);
      if (!says_none) return true;
    }
    if (optional_string(object, "object") == "error") return true;
    if (carries_text(object)) return false;
    const json* message = find_member(object, "message");
    if (message != nullptr && message->is_string()) {
      // llama.cpp's frame {"code", "message", "type"}; a progress message alone is no error.
      return !frame || find_member(object, "code") != nullptr || find_member(object, "status") != nullptr;
    }
    return find_member(object, "detail") != nullptr;
  }

  bool read_error(const json& object) {
    if (!states_error(object, frame_)) return false;
    ErrorBody body = read_error_value(object);
    json error = json::object();
    if (!body.message.empty()) error["message"] = std::move(body.message);
    if (!body.type.empty()) error["type"] = std::move(body.type);
    if (!body.title.empty()) error["title"] = std::move(body.title);
    if (body.status) error["status"] = *body.status;
    piece_["error"] = std::move(error);
    return true;
  }

  bool plain_;
  bool frame_;
  std::string model_;
  json piece_ = json::object();
};

}  // namespace

std::optional<json> read_piece(Protocol protocol, const json& value, Part part) {
  PieceReader reader(protocol, part);
  if (!reader.read(value)) return std::nullopt;
  return reader.take();
}

std::string_view finish_reason(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 19> kWords = {{
      {"stop", "stop"},
      {"eos", "stop"},
      {"eos_token", "stop"},
      {"end_turn", "stop"},
      {"stop_sequence", "stop"},
      {"word", "stop"},
      {"complete", "stop"},
      {"length", "length"},
      {"max_tokens", "length"},
      {"max_length", "length"},
      {"model_length", "length"},
      {"limit", "length"},
      {"tool_calls", "tool-calls"},
      {"tool_use", "tool-calls"},
      {"function_call", "tool-calls"},
      {"content_filter", "content-filter"},
      {"safety", "content-filter"},
      {"refusal", "content-filter"},
      {"content-filter", "content-filter"},
  }};
  const auto same = [&](std::string_view known) {
    if (word.size() != known.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const char c = word[i] >= 'A' && word[i] <= 'Z' ? static_cast<char>(word[i] + ('a' - 'A')) : word[i];
      if (c != known[i]) return false;
    }
    return true;
  };
  for (const auto& [known, reason] : kWords) {
    if (same(known)) return reason;
  }
  return "unknown";
}

bool is_special_token(std::string_view text) {
  return text.size() >= 3 && text.size() <= 40 && text.front() == '<' && text.back() == '>' &&
         text.find_first_of(" \n\t") == std::string_view::npos;
}

}  // namespace tierwise::reply
