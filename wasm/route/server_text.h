// Words of a server, made fit to be shown: what may be a secret is cut out, control characters and tags are
// removed, and the rest is kept short. Everything a server sends is untrusted; nothing here fails.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tierwise::route {

// Characters of server text quoted in a message.
inline constexpr std::size_t kMaxQuoted = 300;

// Replaces by "[redacted]" whatever looks like a credential: hf_… and sk-… tokens, sb_secret_… keys, JWTs,
// "Bearer …" and "Basic …", and the values of URL parameters that hold one (__sign, token, key…).
std::string redact(std::string_view text);

// Redacted, tags and control characters (C0, C1, bidirectional overrides) removed, white space collapsed, at
// most `most` characters and then "…". Characters are code points; none is cut through.
std::string quotable(std::string_view text, std::size_t most = kMaxQuoted);

}  // namespace tierwise::route
