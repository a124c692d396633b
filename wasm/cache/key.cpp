#include "cache/key.h"

#include <string>

#include "base/text.h"

namespace tierwise::cache {
namespace {

constexpr std::size_t kDomainBytes = 32;
constexpr std::string_view kPartitionDomain = "tierwise cache partition 1";
constexpr std::string_view kEntryDomain = "tierwise cache entry 1";

std::string padded(std::string_view domain) {
  std::string text(domain);
  text.resize(kDomainBytes, '\0');
  return text;
}

void append_number(std::string& bytes, std::size_t number) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(number >> shift & 0xff);
}

void append_text(std::string& bytes, const std::string& text) {
  append_number(bytes, text.size());
  bytes += text;
}

OwnedError invalid(std::string_view message, std::string_view field) {
  return make_error("invalid-input", message, field);
}

// The member whose name comes next after `name` (nullptr: the first) by its bytes; there are few of them.
const json::object_t::value_type* next_by_name(const json::object_t& members, const std::string* name) {
  const json::object_t::value_type* next = nullptr;
  for (const auto& member : members) {
    const bool comes_later = name == nullptr || member.first > *name;
    if (comes_later && (next == nullptr || member.first <= next->first)) next = &member;
  }
  return next;
}

}  // namespace

Result<Digest> partition_id(const json& description) {
  const json* fields = find_member(description, "fields");
  if (fields == nullptr || !fields->is_object()) {
    return invalid("The partition must have an object of named strings as its fields.", "fields");
  }
  if (fields->size() > kMaxPartitionFields) {
    return invalid(fill("A partition has at most {} fields.", {digits(kMaxPartitionFields)}), "fields");
  }
  std::string bytes = padded(kPartitionDomain);
  append_number(bytes, fields->size());
  const json::object_t& members = members_of(*fields);
  for (const auto* field = next_by_name(members, nullptr); field != nullptr;
       field = next_by_name(members, &field->first)) {
    const auto& [name, value] = *field;
    if (name.size() > kMaxPartitionNameBytes) {
      return invalid(fill("The name of a partition field has at most {} bytes.", {digits(kMaxPartitionNameBytes)}),
                     "fields");
    }
    const std::string path = fill("fields.{}", {name});
    const std::string* text = string_in(value);
    if (text == nullptr) return invalid(fill("{} of the partition must be a string.", {path}), path);
    if (text->size() > kMaxPartitionValueBytes) {
      return invalid(fill("{} of the partition is longer than {} bytes.", {path, digits(kMaxPartitionValueBytes)}),
                     path);
    }
    append_text(bytes, name);
    append_text(bytes, *text);
  }
  return sha256(bytes);
}

Sha256::Midstate entry_prefix(const Digest& partition) {
  static_assert(kDomainBytes + std::tuple_size_v<Digest> == Sha256::kBlockBytes);
  Sha256 hash;
  hash.update(padded(kEntryDomain));
  hash.update(as_text(partition));
  return hash.midstate();
}

Result<Digest> entry_id(const Sha256::Midstate& prefix, std::string_view request) {
  if (request.empty()) return invalid("The request text is empty.", "request");
  if (request.size() > kMaxRequestBytes) {
    return invalid("The request is larger than 16 MiB: shorten its messages.", "request");
  }
  if (!valid_utf8(request)) return invalid("The request text is not valid UTF-8.", "request");
  Sha256 hash(prefix);
  hash.update(request);
  return hash.finish();
}

}  // namespace tierwise::cache
