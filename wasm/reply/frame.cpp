#include "reply/frame.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/json_writer.h"
#include "base/number.h"
#include "base/text.h"
#include "base/words.h"
#include "reply/lenient_json.h"
#include "reply/piece.h"
#include "reply/quote.h"
#include "reply/scan.h"

namespace tierwise::reply {
namespace {

// What an ordinary frame says. Strings are raw JSON: they go into the answer as they are.
struct Seen {
  std::string_view text;
  std::string_view reasoning;
  std::string_view finish;
  std::string_view model;
  double input = -1;
  double output = -1;
  bool has_source = false;  // a member that carries the text was met
};

bool is_escaped(std::string_view raw) { return raw.find('\\') != std::string_view::npos; }

// Whether raw JSON string bytes may be copied: valid UTF-8, known escapes, no lone surrogate.
bool is_clean(std::string_view raw) {
  if (!valid_utf8(raw)) return false;
  for (std::size_t at = raw.find('\\'); at != std::string_view::npos; at = raw.find('\\', at)) {
    const char kind = at + 1 < raw.size() ? raw[at + 1] : '\0';
    if (kind != 'u') {
      if (std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos || kind == '\0') return false;
      at += 2;
      continue;
    }
    if (at + 6 > raw.size()) return false;
    for (std::size_t i = at + 2; i < at + 6; ++i) {
      if (hex_value(raw[i]) < 0) return false;
    }
    if (raw[at + 2] == 'd' || raw[at + 2] == 'D') return false;  // perhaps a surrogate: the exact path looks
    at += 6;
  }
  return true;
}

// A string or null into `out`; anything else ends the fast path.
void read_text(Scanner& scan, std::string_view& out) {
  if (scan.null()) {
    out = {};
  } else {
    scan.raw_string(out);
  }
}

void read_delta(Scanner& scan, Seen& seen) {
  std::string_view key;
  std::string_view reasoning;
  std::string_view reasoning_content;
  scan.enter('{');
  while (scan.next_member(key)) {
    if (key == "content") {
      read_text(scan, seen.text);
    } else if (key == "reasoning_content") {
      read_text(scan, reasoning_content);
    } else if (key == "reasoning") {
      read_text(scan, reasoning);
    } else if (key == "refusal" || key == "thinking") {
      if (!scan.null()) scan.fail();
    } else {
      scan.skip();
    }
  }
  seen.reasoning = reasoning_content.empty() ? reasoning : reasoning_content;
}

void read_choices(Scanner& scan, Seen& seen) {
  bool chosen = false;
  std::string_view key;
  scan.enter('[');
  for (double place = 0; scan.next_element(); ++place) {
    Seen choice;
    double index = place;
    bool has_delta = false;
    std::string_view text;
    scan.enter('{');
    while (scan.next_member(key)) {
      if (key == "delta") {
        if (has_delta) scan.fail();
        has_delta = true;
        read_delta(scan, choice);
      } else if (key == "finish_reason") {
        read_text(scan, choice.finish);
      } else if (key == "index") {
        scan.count(index);
      } else if (key == "text") {
        read_text(scan, text);
      } else if (key == "message") {
        if (!scan.null()) scan.fail();
      } else {
        scan.skip();
      }
    }
    if (chosen || index != 0) continue;
    chosen = true;
    if (!has_delta) choice.text = text;
    seen.text = choice.text;
    seen.reasoning = choice.reasoning;
    seen.finish = choice.finish;
  }
}

void read_usage(Scanner& scan, Seen& seen) {
  std::string_view key;
  seen.input = seen.output = -1;
  if (scan.null()) return;
  scan.enter('{');
  while (scan.next_member(key)) {
    if (key == "prompt_tokens") {
      scan.count(seen.input);
    } else if (key == "completion_tokens") {
      scan.count(seen.output);
    } else if (key == "input_tokens" || key == "output_tokens") {
      scan.fail();
    } else {
      scan.skip();
    }
  }
}

// TGI: {"id", "text", "logprob", "special"}. Others: the text itself.
void read_token(Scanner& scan, Seen& seen) {
  if (scan.peek() == '"') {
    scan.raw_string(seen.text);
    return;
  }
  std::string_view key;
  std::string_view special = "false";
  scan.enter('{');
  while (scan.next_member(key)) {
    if (key == "text") {
      read_text(scan, seen.text);
    } else if (key == "special") {
      scan.raw_word(special);
    } else if (key == "thinking") {
      scan.fail();
    } else {
      scan.skip();
    }
  }
  if (special == "true") {
    seen.text = {};
  } else if (special != "false") {
    scan.fail();
  }
}

bool is_false(Scanner& scan) {
  std::string_view word;
  return scan.raw_word(word) && word == "false";
}

// Members that only the exact path understands.
bool is_uncommon(std::string_view key) {
  return has_word(
      "error generated_text details detail message output result delta chunk data finish_reason done_reason "
      "model_version code status success ok is_error type",
      key);
}

// One source of text per frame: with two of them precedence counts, and the exact path knows it.
void take_source(Scanner& scan, Seen& seen) {
  if (seen.has_source) scan.fail();
  seen.has_source = true;
}

bool scan_frame(std::string_view data, Seen& seen) {
  Scanner scan(data);
  std::string_view key;
  std::string_view text;
  scan.enter('{');
  while (scan.next_member(key)) {
    if (key == "choices") {
      take_source(scan, seen);
      read_choices(scan, seen);
    } else if (key == "token") {
      take_source(scan, seen);
      read_token(scan, seen);
    } else if (key == "content" || key == "response" || key == "text") {
      take_source(scan, seen);
      scan.raw_string(seen.text);
    } else if (key == "usage") {
      read_usage(scan, seen);
    } else if (key == "model") {
      read_text(scan, seen.model);
    } else if (key == "object") {
      read_text(scan, text);
      if (text == "error" || is_escaped(text)) return false;
    } else if (key == "stop" || key == "done") {
      if (!is_false(scan)) return false;
    } else if (key == "id" || key == "created") {
      scan.skip();  // of every frame: the list of what is uncommon is long
    } else if (is_uncommon(key)) {
      if (!scan.null()) return false;
    } else {
      scan.skip();
    }
  }
  return scan.at_end();
}

void append_text(std::string& out, std::string_view name, std::string_view raw) {
  if (raw.empty()) return;
  out += out.size() == 1 ? "\"" : ",\"";
  out += name;
  out += "\":\"";
  out += raw;
  out += '"';
}

void append_count(std::string& out, std::string_view name, double value) {
  if (value < 0) return;
  if (out.back() != '{') out += ',';
  out += '"';
  out += name;
  out += "\":";
  append_number(out, static_cast<std::uint64_t>(value));
}

std::optional<std::string> read_common_frame(std::string_view data) {
  Seen seen;
  if (!scan_frame(data, seen)) return std::nullopt;
  if (seen.finish == "eos_token" && (is_escaped(seen.text) || is_special_token(seen.text))) return std::nullopt;
  if (!is_clean(seen.text) || !is_clean(seen.reasoning) || is_escaped(seen.finish) || !valid_utf8(seen.finish)) {
    return std::nullopt;
  }
  const std::string_view finish = seen.finish.empty() ? "" : finish_reason(seen.finish);
  if (finish == kFailed) return std::nullopt;
  const bool ends = !seen.finish.empty() || seen.input >= 0 || seen.output >= 0;
  const bool names_model = ends || (seen.text.empty() && seen.reasoning.empty());
  if (names_model && !is_clean(seen.model)) return std::nullopt;

  std::string out;
  out.reserve(seen.text.size() + seen.reasoning.size() + seen.model.size() + 120);
  out += '{';
  append_text(out, "text", seen.text);
  append_text(out, "reasoning", seen.reasoning);
  append_text(out, "finish", finish);
  if (names_model) append_text(out, "model", seen.model);
  if (seen.input >= 0 || seen.output >= 0) {
    out += out.size() == 1 ? "\"usage\":{" : ",\"usage\":{";
    append_count(out, "input", seen.input);
    append_count(out, "output", seen.output);
    out += '}';
  }
  out += '}';
  return out;
}

OwnedError bad_frame(std::string_view data) {
  return make_error("bad-frame",
                    fill("The server sent a part of its answer that cannot be read: {}. Ask again; if it happens every "
                         "time, check the address and the protocol of this target.",
                         {quote_for_people(data)}));
}

bool is_page(std::string_view text) {
  return text.size() > 1 && text[0] == '<' &&
         (text[1] == '!' || text.substr(1, 4) == "html" || text.substr(1, 4) == "HTML");
}

std::string plain_text(std::string_view data) {
  JsonWriter out;
  out.open('{');
  if (!data.empty()) out.text("text", data);
  return out.close('}').take();
}

}  // namespace

Result<std::string> read_frame_exactly(Protocol protocol, std::string_view data) {
  const std::string_view trimmed = trim(data);
  const bool plain = protocol == Protocol::kPlain;
  if (trimmed.empty()) return plain ? plain_text(data) : std::string("{}");
  if (trimmed == "[DONE]") return std::string("{\"done\":true}");
  const char first = trimmed.front();
  if (plain && first != '{' && first != '[' && first != '"') {
    if (is_page(trimmed)) return bad_frame(trimmed);
    return plain_text(data);
  }
  const auto value = parse_lenient(trimmed);
  if (!value) {
    if (plain && first == '"') return plain_text(data);
    return bad_frame(trimmed);
  }
  if (value.value().is_null()) return std::string("{}");
  auto piece = read_piece(protocol, value.value(), Part::kFrame);
  if (!piece) return bad_frame(trimmed);
  return *std::move(piece);
}

Result<std::string> read_frame(Protocol protocol, std::string_view data) {
  if (auto common = read_common_frame(data)) return *std::move(common);
  return read_frame_exactly(protocol, data);
}

}  // namespace tierwise::reply
