// The readers of what servers send: any bytes. The first byte picks the reader and the protocol, the rest is the input.
// No crash, and every word that comes out is valid UTF-8. A frame read the fast way says what the exact way says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "reply/body.h"
#include "reply/error_body.h"
#include "reply/frame.h"
#include "reply/request.h"
#include "reply/settle.h"
#include "reply/tokens.h"

namespace {

using tierwise::json;
using tierwise::valid_utf8;
namespace reply = tierwise::reply;

void require(bool holds) {
  if (!holds) std::abort();
}

void try_frame(reply::Protocol protocol, std::string_view input) {
  const auto answer = reply::read_frame(protocol, input);
  const auto exact = reply::read_frame_exactly(protocol, input);
  if (!answer) {
    require(!exact && valid_utf8(answer.error().message));
    return;
  }
  require(valid_utf8(answer.value()));
  // The two ways may write members in another order.
  using sorted = nlohmann::json;
  const sorted piece = sorted::parse(answer.value(), nullptr, false);
  require(piece.is_object());
  // The fast way is lenient about members nobody reads; where both understand, they agree.
  if (exact) require(piece == sorted::parse(exact.value(), nullptr, false));
}

void try_error_body(std::string_view input) {
  const std::size_t line = input.find('\n');
  const std::string_view type = line == std::string_view::npos ? "" : input.substr(0, line);
  const reply::ErrorBody read = reply::read_error_body(line == std::string_view::npos ? input : input.substr(line + 1), type);
  for (const std::string* text : {&read.message, &read.title, &read.type, &read.code}) {
    require(valid_utf8(*text) && text->size() <= reply::kMaxErrorText);
  }
  require(!read.status || (*read.status >= 100 && *read.status <= 599));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto protocol = static_cast<reply::Protocol>(data[0] & 3);
  switch ((data[0] >> 2) & 3) {
    case 0:
      try_frame(protocol, input);
      break;
    case 1: {
      const auto answer = reply::read_body(protocol, input);
      require(answer ? valid_utf8(answer.value()) : valid_utf8(answer.error().message));
      break;
    }
    case 2:
      try_error_body(input);
      break;
    default: {
      require(input.empty() || reply::estimate_tokens(input) >= 1);
      const auto value = tierwise::parse_json(input);
      if (!value) break;
      const auto checked = reply::check_request(value.value());
      require(checked || !checked.error().message.empty());
      reply::Prices prices;
      const auto configured = prices.configure(value.value());
      require(configured || !configured.error().field.empty());
      const auto settled = reply::settle(value.value(), prices);
      require(settled || !settled.error().field.empty());
    }
  }
  return 0;
}
