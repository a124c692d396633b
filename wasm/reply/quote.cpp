#include "reply/quote.h"

#include "base/text.h"

namespace tierwise::reply {

std::string quote_for_people(std::string_view text) {
  std::string out = to_valid_utf8(text.substr(0, 4 * kMaxQuoted));
  const bool cut = out.size() > kMaxQuoted;
  out = std::string(cut_utf8(out, kMaxQuoted));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return fill(cut ? "\"{}…\"" : "\"{}\"", {out});
}

}  // namespace tierwise::reply
