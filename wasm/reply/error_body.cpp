#include "reply/error_body.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/ascii.h"
#include "base/tags.h"
#include "base/text.h"
#include "reply/lenient_json.h"

namespace tierwise::reply {
namespace {

constexpr int kMaxNesting = 4;
constexpr std::size_t kMaxListed = 5;      // of a list of complaints; the rest is counted
constexpr double kMaxWaitSeconds = 86400;  // a longer "estimated_time" is no estimate

// Valid UTF-8 without tags, trimmed and cut. `one_line`: every run of white space becomes one space.
std::string tidy(std::string_view text, bool one_line = false) {
  std::string out = without_tags(to_valid_utf8(cut_utf8(trim(text), 4 * kMaxErrorText)));
  if (one_line) {
    std::replace_if(out.begin(), out.end(), is_white, ' ');
    out.erase(std::unique(out.begin(), out.end(), [](char left, char right) { return left == ' ' && right == ' '; }),
              out.end());
  }
  return std::string(trim(cut_utf8(trim(out), kMaxErrorText)));
}

bool looks_like_markup(std::string_view body) {
  if (body.size() < 2 || body[0] != '<') return false;
  const char c = body[1];
  return c == '!' || c == '?' || is_letter(c);
}

// The words between <title> and </title>, entities resolved, angle brackets gone.
std::string page_title(std::string_view body) {
  const std::string page = lower_case(body);
  const std::size_t open = page.find("<title");
  if (open == std::string::npos) return {};
  const std::size_t start = page.find('>', open);
  const std::size_t end = start == std::string::npos ? start : page.find("</title", start);
  if (end == std::string::npos) return {};
  std::string title(cut_utf8(body.substr(start + 1, end - start - 1), 4 * kMaxErrorText));
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kEntities = {
      {{"&nbsp;", " "}, {"&quot;", "\""}, {"&#39;", "'"}, {"&lt;", " "}, {"&gt;", " "}, {"&amp;", "&"}}};
  for (const auto& [entity, character] : kEntities) {
    for (std::size_t at = title.find(entity); at != std::string::npos; at = title.find(entity, at + 1)) {
      title.replace(at, entity.size(), character);
    }
  }
  std::replace_if(
      title.begin(), title.end(), [](char c) { return c == '<' || c == '>'; }, ' ');
  return tidy(title, true);
}

std::optional<double> http_status(const json& object, std::string_view field) {
  const json* member = find_member(object, field);
  if (member == nullptr) return std::nullopt;
  double status = 0;
  if (member->is_number()) {
    status = member->get<double>();
  } else if (const std::string* text = string_in(*member)) {
    if (text->size() != 3 || text->find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    for (const char c : *text) status = status * 10 + (c - '0');
  }
  if (status < 100 || status > 599 || status != std::floor(status)) return std::nullopt;
  return status;
}

std::string code_text(const json& object) {
  const json* member = find_member(object, "code");
  if (member == nullptr) return {};
  if (const std::string* text = string_in(*member)) return tidy(*text, true);
  return member->is_number() ? scalar_text(*member) : std::string();
}

std::string text_of(const json& object, std::string_view field) { return tidy(string_or_empty(object, field)); }

void keep_first(std::string& kept, std::string found) {
  if (kept.empty()) kept = std::move(found);
}
void keep_first(std::optional<double>& kept, std::optional<double> found) {
  if (!kept) kept = found;
}

ErrorBody read(const json& value, int depth);

// pydantic's complaint: {"loc": ["body", "model_name"], "msg": "field required"} -> "model_name: field required".
std::string complaint(const json& item, int depth) {
  const std::string message = item.is_object() ? text_of(item, "msg") : std::string();
  if (message.empty()) return read(item, depth + 1).message;
  std::string place;
  if (const json* loc = find_member(item, "loc"); loc != nullptr && loc->is_array()) {
    const json::array_t& steps = elements_of(*loc);
    for (const json& step : steps) {
      const std::string* text = string_in(step);
      if (text == nullptr && !step.is_number_integer()) continue;
      const std::string name = text == nullptr ? scalar_text(step) : tidy(*text, true);
      const bool first = &step == &steps.front();
      if (first && steps.size() > 1 && (name == "body" || name == "query" || name == "path")) continue;
      if (!place.empty()) place += '.';
      place += name;
    }
  }
  return place.empty() ? message : fill("{}: {}", {place, message});
}

std::string join_complaints(const json& list, int depth) {
  std::string joined;
  std::size_t told = 0;
  for (const json& item : elements_of(list)) {
    if (told == kMaxListed) break;
    const std::string text = complaint(item, depth);
    ++told;
    if (text.empty()) continue;
    if (!joined.empty()) joined += "; ";
    joined += text;
  }
  if (!joined.empty() && list.size() > told) {
    joined += fill("; and {} more", {digits(static_cast<std::int64_t>(list.size() - told))});
  }
  return joined;
}

// What a member that may be text, an object or a list says; its other facts fill what is still unknown in `into`.
std::string absorb(const json& object, std::string_view field, int depth, ErrorBody& into) {
  const json* member = find_member(object, field);
  if (member == nullptr) return {};
  ErrorBody inner = read(*member, depth + 1);
  keep_first(into.title, std::move(inner.title));
  keep_first(into.type, std::move(inner.type));
  keep_first(into.code, std::move(inner.code));
  keep_first(into.status, inner.status);
  keep_first(into.retry_after_ms, inner.retry_after_ms);
  return std::move(inner.message);
}

void read_wait(const json& object, ErrorBody& into) {
  for (const auto& [field, unit_ms] :
       {std::pair<std::string_view, double>{"estimated_time", 1000}, {"retry_after", 1000}, {"retry_after_ms", 1}}) {
    const auto wait = optional_number(object, field);
    if (wait && *wait >= 0 && *wait * unit_ms <= kMaxWaitSeconds * 1000)
      keep_first(into.retry_after_ms, *wait * unit_ms);
  }
}

ErrorBody read_object(const json& object, int depth) {
  ErrorBody out;
  out.title = tidy(text_of(object, "title"), true);
  out.type = text_of(object, "error_type");
  if (out.type.empty()) out.type = text_of(object, "type");
  if (out.type == "about:blank") out.type.clear();
  out.code = code_text(object);
  for (const std::string_view field : {"http_status_code", "status", "statusCode", "code"}) {
    keep_first(out.status, http_status(object, field));
  }
  read_wait(object, out);

  const std::string error = absorb(object, "error", depth, out);
  // Where two texts are given, `error` is the short name of the class ("Bad Request") and the other one says why.
  const json* error_member = find_member(object, "error");
  const bool error_is_text = error_member != nullptr && error_member->is_string();
  for (const std::string_view field : {"message", "detail", "error_description", "msg", "errors", "reason"}) {
    if (!error.empty() && !error_is_text) break;
    keep_first(out.message, absorb(object, field, depth, out));
  }
  if (out.message.empty()) {
    out.message = error;
  } else if (error_is_text && out.message != error) {
    keep_first(out.title, error);
  }
  return out;
}

ErrorBody read(const json& value, int depth) {
  ErrorBody out;
  if (depth > kMaxNesting) return out;
  if (value.is_object()) return read_object(value, depth);
  if (const std::string* text = string_in(value)) out.message = tidy(*text);
  if (value.is_array()) out.message = without_tags(join_complaints(value, depth));
  out.message = std::string(cut_utf8(out.message, kMaxErrorText));
  return out;
}

}  // namespace

ErrorBody read_error_value(const json& value) { return read(value, 0); }

ErrorBody read_error_body(std::string_view body, std::string_view content_type) {
  ErrorBody out;
  body = trim(body.substr(0, kMaxErrorBody));
  if (body.empty()) return out;
  if (lower_case(content_type).find("html") != std::string::npos || looks_like_markup(body)) {
    out.html = true;
    out.title = page_title(body);
    return out;
  }
  if (body.front() == '{' || body.front() == '[' || body.front() == '"') {
    if (const auto value = parse_lenient(body)) return read_error_value(value.value());
  }
  out.message = tidy(body);
  return out;
}

}  // namespace tierwise::reply
