// Golden ids were computed from the definition in cache/key.h with hashlib of Python 3.11. They may only change
// together with the number in the domain strings: stored replies are found by them.
#include "cache/key.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tierwise::cache {
namespace {

std::string partition_hex(const json& fields) { return to_hex(partition_id({{"fields", fields}}).value()); }
std::string entry_hex(const json& fields, std::string_view request) {
  return to_hex(entry_id(entry_prefix(partition_id({{"fields", fields}}).value()), request).value());
}

TEST(CacheKey, GoldenIds) {
  struct {
    json fields;
    std::string request;
    const char* partition;
    const char* entry;
  } const cases[] = {
      {json::object(), "hello", "6ba7eef0fa30f7840ae715e7e1921e7f1ac332d12ea1b682414416af00f2f81a",
       "ab6b7ba9b9d910ce17c05b7f85734a085c34d0868886025d93e8e19893e586ab"},
      {{{"user", "ada"}}, R"({"messages":[{"role":"user","content":"Grüße"}]})",
       "adcab6dae8418b53a4463571a2db2d3981f48cf01bf2dbf08f9b6e421ae6201f",
       "39c39932212dc3f1e78bd1d0c32f6e8594b97b7bc90a2d0d62c4f149d83dd2b4"},
      {{{"user", "ada"}, {"tenant", "acme"}}, std::string(1000, 'x'),
       "f0b2f81796b6f92b7905ff87ec11ded17eb1e93158090c92eaf30fc91a474d54",
       "bff9c68c9ea8e0631bcaf2f00e2211484442c9667b46e4b9ee1e3253acfbb6e6"},
      {{{"user", "Zoë"}, {"tenant", ""}}, "hello", "18279d4077984a466e3a977089bb48444212a95496ddaaf5fa72e6b2c26e802d",
       "5bb8facde7da87118ed45801d3e778db4659f0bc890c02ac95e97b0ef32432b6"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(partition_hex(c.fields), c.partition) << c.fields.dump();
    EXPECT_EQ(entry_hex(c.fields, c.request), c.entry) << c.fields.dump();
  }
}

TEST(CacheKey, OfFieldsWithTheSameNameTheLastCounts) {
  const auto id = [](std::string_view fields) {
    return to_hex(partition_id(parse_json(fields).value()).value());
  };
  EXPECT_EQ(id(R"({"fields":{"user":"a","user":"b"}})"), id(R"({"fields":{"user":"b"}})"));
  EXPECT_EQ(id(R"({"fields":{"user":"a","x":"","user":"b"}})"), id(R"({"fields":{"x":"","user":"b"}})"));
}

TEST(CacheKey, DifferentDescriptionsNeverMeet) {
  const json descriptions[] = {
      json::object(),
      {{"user", ""}},
      {{"", "user"}},
      {{"user", "a"}},
      {{"usera", ""}},
      {{"use", "ra"}},
      {{"tenant", "a"}},
      {{"tenant", "a"}, {"user", "a"}},
      {{"tenant", "auser"}, {"user", ""}},
      {{"user", "A"}},
      {{"user", "a "}},
      {{"user", "\xc3\xa9"}},   // one code point
      {{"user", "e\xcc\x81"}},  // two: partitions are not normalised
      {{"user", std::string("a\0", 2)}},
      {{"user", "{\"tenant\":\"a\"}"}},
  };
  std::set<std::string> ids;
  std::set<std::string> entries;
  for (const json& fields : descriptions) {
    ids.insert(partition_hex(fields));
    entries.insert(entry_hex(fields, "the same request"));
  }
  EXPECT_EQ(ids.size(), std::size(descriptions));
  EXPECT_EQ(entries.size(), std::size(descriptions));
}

TEST(CacheKey, TheOrderOfTheFieldsDoesNotCount) {
  const auto id = [](const char* fields) { return to_hex(partition_id({{"fields", json::parse(fields)}}).value()); };
  EXPECT_EQ(id(R"({"user":"a","tenant":"b","":"c"})"), id(R"({"":"c","tenant":"b","user":"a"})"));
  EXPECT_NE(id(R"({"user":"a","tenant":"b"})"), id(R"({"user":"b","tenant":"a"})"));
}

TEST(CacheKey, ARequestCannotPoseAsPartOfThePartition) {
  // A request that begins with the bytes a partition id ends with, moved across the boundary.
  const Digest partition = partition_id({{"fields", {{"user", "ada"}}}}).value();
  const std::string posing = std::string("tierwise cache entry 1") + std::string(10, '\0');
  EXPECT_NE(to_hex(entry_id(entry_prefix(partition), posing).value()), entry_hex(json::object(), posing));
  EXPECT_NE(to_hex(sha256(std::string(as_text(partition)) + "x")),
            to_hex(entry_id(entry_prefix(partition), "x").value()));
}

TEST(CacheKey, RefusesBadDescriptions) {
  json many = json::object();
  for (int i = 0; i < 33; ++i) many[std::to_string(i)] = "x";
  struct {
    json description;
    const char* field;
  } const cases[] = {
      {json::array(), "fields"},
      {json::object(), "fields"},
      {{{"fields", "ada"}}, "fields"},
      {{{"fields", nullptr}}, "fields"},
      {{{"fields", {{"user", nullptr}}}}, "fields.user"},
      {{{"fields", {{"user", 7}}}}, "fields.user"},
      {{{"fields", {{"user", {{"id", "a"}}}}}}, "fields.user"},
      {{{"fields", {{"user", std::string(4097, 'x')}}}}, "fields.user"},
      {{{"fields", {{std::string(129, 'x'), "a"}}}}, "fields"},
      {{{"fields", many}}, "fields"},
  };
  for (const auto& c : cases) {
    const auto id = partition_id(c.description);
    ASSERT_FALSE(id) << c.description.dump().substr(0, 80);
    EXPECT_EQ(id.error().code, "invalid-input");
    EXPECT_EQ(id.error().field, c.field);
  }
}

TEST(CacheKey, RefusesBadRequests) {
  const auto prefix = entry_prefix(partition_id({{"fields", json::object()}}).value());
  for (const std::string& bad : {std::string(), std::string("\xed\xa0\x80"), std::string("abc\xff"),
                                 std::string(kMaxRequestBytes + 1, 'x')}) {
    const auto id = entry_id(prefix, bad);
    ASSERT_FALSE(id) << bad.size() << " bytes";
    EXPECT_EQ(id.error().field, "request");
  }
  EXPECT_TRUE(entry_id(prefix, std::string(kMaxRequestBytes, 'x')));
}

}  // namespace
}  // namespace tierwise::cache
