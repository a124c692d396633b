// Who may see a cached reply, and which request it answers: partitions and entry ids.
//
// A partition is what may share replies: a set of named strings (tenant, user, whatever the caller adds).
//   partition id = SHA-256( "tierwise cache partition 1", zero-padded to 32 bytes
//                           | number of fields | for each, sorted by name: its length, name, length of value, value )
//   entry id     = SHA-256( "tierwise cache entry 1", zero-padded to 32 bytes | partition id | request text )
// Numbers are 32 bits, least significant byte first. Lengths stand before what they measure and the parts before
// the request text have a fixed size, so two different inputs never give the same bytes to hash; the different
// beginnings keep the two kinds of id apart. Names and values are compared byte by byte, nothing is normalised.
//
// The request text is made by the page (docs/CACHE.md has its rules: what goes in, and which differences of Unicode
// form and white space do not count). Here it is bytes: valid UTF-8, 1 byte to 16 MiB.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/hash.h"
#include "base/json.h"
#include "base/result.h"

namespace tierwise::cache {

inline constexpr std::size_t kMaxRequestBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxPartitionFields = 32;
inline constexpr std::size_t kMaxPartitionNameBytes = 128;
inline constexpr std::size_t kMaxPartitionValueBytes = 4096;

// `description`: {"fields": {name: string}}. No fields is a partition like any other. "invalid-input" names the field.
Result<Digest> partition_id(const json& description);

// The part of every entry id that depends on the partition alone.
Sha256::Midstate entry_prefix(const Digest& partition);

// "invalid-input" when the request text is empty, too long or not valid UTF-8.
Result<Digest> entry_id(const Sha256::Midstate& prefix, std::string_view request);

}  // namespace tierwise::cache
