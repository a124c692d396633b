#include "route/phrase.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/text.h"

namespace tierwise::route {
namespace {

constexpr std::size_t kQuotedBytes = 40;
// Keeps conversions to integers defined whatever came in.
constexpr double kLargest = 1e15;

long long whole(double value) { return static_cast<long long>(std::clamp(value, 0.0, kLargest)); }

// `units` of 10^-decimals, written out: (124, 2) -> "1.24".
std::string decimal(long long units, std::size_t decimals) {
  std::string written = digits(units);
  if (written.size() <= decimals) written.insert(0, decimals + 1 - written.size(), '0');
  return written.insert(written.size() - decimals, ".");
}

}  // namespace

std::string latency_phrase(double ms) {
  const long long rounded = whole(std::round(ms));
  if (rounded < 1000) return fill("{} ms", {digits(rounded)});
  return fill("{} s", {decimal(whole(std::round(ms / 10)), 2)});
}

std::string wait_phrase(double ms) {
  const long long seconds = std::max(1LL, whole(std::ceil(ms / 1000)));
  if (seconds < 120) return fill("{} s", {digits(seconds)});
  const long long minutes = (seconds + 59) / 60;
  if (minutes < 120) return fill("{} min", {digits(minutes)});
  return fill("{} h", {digits((minutes + 59) / 60)});
}

std::string dollars_phrase(double dollars) {
  if (!(dollars > 0)) return "$0";
  constexpr std::size_t kMostDecimals = 12;
  std::size_t decimals = 2;
  double scaled = dollars * 100;
  // Ten or more after rounding, so that 0.00996 becomes 0.010 rather than 0.0100.
  while (dollars < 0.01 && std::round(scaled) < 10 && decimals < kMostDecimals) {
    scaled *= 10;
    ++decimals;
  }
  return fill("${}", {decimal(whole(std::round(scaled)), decimals)});
}

std::string in_quotes(std::string_view text) {
  const std::string_view kept = cut_utf8(text, kQuotedBytes);
  return fill(kept.size() < text.size() ? "\"{}…\"" : "\"{}\"", {kept});
}

}  // namespace tierwise::route
