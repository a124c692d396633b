#include "reply/body.h"

#include <string>

#include "base/text.h"
#include "reply/error_body.h"
#include "reply/lenient_json.h"
#include "reply/piece.h"
#include "reply/quote.h"

namespace tierwise::reply {
namespace {

constexpr std::size_t kMaxNamedFields = 8;
constexpr std::size_t kMaxNamedBytes = 300;

std::string_view expected_shape(Protocol protocol) {
  switch (protocol) {
    case Protocol::kOpenAI: return R"({"choices": [{"message": {"content": "…"}}]})";
    case Protocol::kTgi: return R"({"generated_text": "…"} or a list of it)";
    case Protocol::kLlamaCpp: return R"({"content": "…"})";
    case Protocol::kPlain: break;
  }
  return R"({"generated_text": "…"})";
}

std::string describe(const json& value) {
  if (value.is_array()) {
    return value.empty() ? "an empty list" : fill("a list of {}s", {elements_of(value).front().type_name()});
  }
  if (!value.is_object()) return fill("a bare {}", {value.type_name()});
  if (value.empty()) return "an empty object";
  std::string fields = "an object with the fields ";
  std::size_t named = 0;
  for (const auto& [name, member] : members_of(value)) {
    const std::string quote = quote_for_people(name);
    if (named == kMaxNamedFields || fields.size() + quote.size() > kMaxNamedBytes) return fields.append(" and more");
    if (named++ > 0) fields += ", ";
    fields += quote;
  }
  return fields;
}

OwnedError unknown_shape(Protocol protocol, std::string_view got) {
  return make_error("unknown-shape",
                    fill("The server's answer cannot be read. Expected {}; got {}. Check the address, the endpoint "
                         "and the protocol of this target.",
                         {expected_shape(protocol), got}));
}

std::string describe_text(std::string_view body) {
  const ErrorBody text = read_error_body(body, "");
  if (text.html)
    return text.title.empty() ? "a web page" : fill("a web page titled {}", {quote_for_people(text.title)});
  if (text.message.empty()) return "nothing";
  const bool begun = body.find_first_of("{[") != std::string_view::npos;
  return fill(begun ? "broken or incomplete JSON: {}" : "text that is not JSON: {}", {quote_for_people(text.message)});
}

}  // namespace

Result<std::string> read_body(Protocol protocol, std::string_view body) {
  const auto value = parse_lenient(body);
  if (!value) return unknown_shape(protocol, describe_text(body));
  auto piece = read_piece(protocol, value.value(), Part::kWhole);
  if (!piece) return unknown_shape(protocol, describe(value.value()));
  return *std::move(piece);
}

}  // namespace tierwise::reply
