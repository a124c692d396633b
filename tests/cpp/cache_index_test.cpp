#include "cache/index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cache/key.h"

namespace tierwise::cache {
namespace {

constexpr double kNow = 1'800'000'000'000;
constexpr double kMinute = 60'000;
constexpr double kHour = 60 * kMinute;

using Ids = std::vector<std::string>;

// The index as the page uses it: requests in, ids out.
class Page {
 public:
  explicit Page(const json& bounds = json::object()) { configure(bounds); }

  Ids configure(const json& bounds) { return json::parse(index.configure({{"cache", bounds}}).value())["evicted"].get<Ids>(); }

  struct Partition {
    std::uint32_t handle;
    std::string id;
  };
  Partition partition(const json& fields = json::object()) {
    const json answer = json::parse(index.partition({{"fields", fields}}).value());
    return {answer["handle"].get<std::uint32_t>(), answer["id"].get<std::string>()};
  }
  json look_up(const Partition& where, const std::string& request, double now = kNow, double max_age = -1,
               bool allow_stale = false) {
    return json::parse(index.look_up(where.handle, request, now, max_age, allow_stale).value());
  }
  bool hits(const Partition& where, const std::string& request, double now = kNow) {
    return look_up(where, request, now)["hit"].get<bool>();
  }
  std::string id(const Partition& where, const std::string& request) {
    return to_hex(entry_id(entry_prefix(digest_from_hex(where.id).value()), request).value());
  }
  json record(const Partition& where, const std::string& request, const json& changes = json::object()) {
    json made = {{"id", id(where, request)}, {"partition", where.id}, {"tier", "base"}, {"target", "space:base"},
                 {"tags", json::array()},    {"bytes", 100},          {"storedAt", kNow}, {"now", kNow}};
    made.update(changes);
    return made;
  }
  json store(const Partition& where, const std::string& request, const json& changes = json::object()) {
    return json::parse(index.store(record(where, request, changes)).value());
  }
  json list(const json& query = json::object()) { return json::parse(index.entries(query).value()); }
  Ids listed(const json& query = json::object()) {
    Ids ids;
    const json answer = list(query);
    for (const json& entry : answer["entries"]) ids.push_back(entry["id"].get<std::string>());
    return ids;
  }

  Index index;
};

TEST(CacheIndex, MissStoreHit) {
  Page page;
  const auto mine = page.partition({{"user", "ada"}});
  EXPECT_EQ(page.look_up(mine, "q"), (json{{"id", page.id(mine, "q")}, {"hit", false}}));
  const json stored = page.store(mine, "q", {{"ttlMs", 1000}, {"tags", {"b", "a", "b"}}});
  EXPECT_EQ(stored, (json{{"stored", true}, {"expiresAt", kNow + 1000}, {"evicted", json::array()}}));
  EXPECT_EQ(page.look_up(mine, "q", kNow + 999.9),
            (json{{"id", page.id(mine, "q")}, {"hit", true}, {"ageMs", 999}}));
  EXPECT_EQ(page.list(), (json{{"entries",
                               {{{"id", page.id(mine, "q")},
                                 {"partition", mine.id},
                                 {"tier", "base"},
                                 {"target", "space:base"},
                                 {"tags", {"a", "b"}},
                                 {"bytes", 100},
                                 {"storedAt", kNow},
                                 {"expiresAt", kNow + 1000},
                                 {"lastUsedAt", kNow + 999.9},
                                 {"hits", 1}}}},
                              {"total", 1},
                              {"totalBytes", 100}}));
}

TEST(CacheIndex, SameDescriptionSameHandle) {
  Page page;
  const auto none = page.partition();
  const auto ada = page.partition({{"tenant", "acme"}, {"user", "ada"}});
  EXPECT_EQ(page.partition().handle, none.handle);
  EXPECT_EQ(page.partition(json::parse(R"({"user":"ada","tenant":"acme"})")).handle, ada.handle);
  EXPECT_NE(none.handle, ada.handle);
  EXPECT_NE(none.id, ada.id);
}

TEST(CacheIndex, PartitionsNeverShare) {
  Page page;
  const auto ada = page.partition({{"user", "ada"}});
  const auto bob = page.partition({{"user", "bob"}});
  const auto none = page.partition();
  page.store(ada, "q", {{"tags", {"t"}}});
  EXPECT_FALSE(page.hits(bob, "q"));
  EXPECT_FALSE(page.hits(none, "q"));
  EXPECT_TRUE(page.hits(ada, "q"));
  EXPECT_EQ(page.listed({{"partition", bob.id}}), Ids{});
  for (const json& selector : {json{{"tag", "t"}}, json{{"ids", {page.id(ada, "q")}}}, json{{"tier", "base"}},
                               json{{"all", true}}, json{{"before", kNow + 1}}}) {
    json in_bob = selector;
    in_bob["partition"] = bob.id;
    EXPECT_EQ(json::parse(page.index.forget(in_bob).value()), (json{{"ids", json::array()}, {"bytes", 0}})) << selector.dump();
  }
  EXPECT_TRUE(page.hits(ada, "q"));
}

TEST(CacheIndex, AnEntryAnswersByItsIdInItsPartitionAndLifeOnly) {
  Page page;
  const auto ada = page.partition({{"user", "ada"}});
  const auto bob = page.partition({{"user", "bob"}});
  page.store(ada, "q", {{"ttlMs", 1000}});
  const std::string id = page.id(ada, "q");
  const auto hits = [&](const auto& of, std::string_view named, double now, double max_age = -1) {
    const auto answer = page.index.look_up(of.handle, named, now, max_age, false, true);
    return answer && json::parse(answer.value())["hit"].template get<bool>();
  };
  EXPECT_TRUE(hits(ada, id, kNow + 500));
  EXPECT_FALSE(hits(bob, id, kNow + 500));
  EXPECT_FALSE(hits(ada, id, kNow + 500, 499));
  EXPECT_FALSE(hits(ada, id, kNow + 1000));
  EXPECT_FALSE(hits(ada, page.id(ada, "other"), kNow));
  EXPECT_FALSE(hits(ada, "q", kNow));
}

TEST(CacheIndex, ADamagedRecordNeverCarriesAReplyIntoAnotherPartition) {
  Page page;
  const auto ada = page.partition({{"user", "ada"}});
  const auto bob = page.partition({{"user", "bob"}});
  // Ada's record under the id of Bob's question, and Bob's id claimed for Ada.
  page.store(ada, "q", {{"id", page.id(bob, "q")}});
  EXPECT_FALSE(page.hits(bob, "q"));
  EXPECT_FALSE(page.hits(ada, "q"));
  // Bob's own reply, even if older, takes its place back.
  EXPECT_EQ(page.store(bob, "q", {{"storedAt", kNow - 1}})["stored"], true);
  EXPECT_TRUE(page.hits(bob, "q"));
  EXPECT_EQ(page.list()["total"], 1);
}

TEST(CacheIndex, Life) {
  struct {
    double age;
    double max_age;
    bool allow_stale;
    json answer;  // without id
  } const cases[] = {
      {0, -1, false, {{"hit", true}, {"ageMs", 0}}},
      {999, -1, false, {{"hit", true}, {"ageMs", 999}}},
      {999, -1, true, {{"hit", true}, {"ageMs", 999}}},
      {1000, -1, false, {{"hit", false}, {"refused", "expired"}}},
      {1000, -1, true, {{"hit", true}, {"ageMs", 1000}, {"stale", true}}},
      {1499, -1, true, {{"hit", true}, {"ageMs", 1499}, {"stale", true}}},
      {1500, -1, true, {{"hit", false}, {"refused", "expired"}}},
      {500, 500, false, {{"hit", true}, {"ageMs", 500}}},
      {500, 499, false, {{"hit", false}, {"refused", "too-old"}}},
      {0, 0, false, {{"hit", true}, {"ageMs", 0}}},
      {1, 0, false, {{"hit", false}, {"refused", "too-old"}}},
      {1200, 1100, true, {{"hit", false}, {"refused", "too-old"}}},
      {1200, 1300, true, {{"hit", true}, {"ageMs", 1200}, {"stale", true}}},
      // A clock set back: a little does no harm, more counts as expired.
      {-1, -1, false, {{"hit", true}, {"ageMs", 0}}},
      {-5 * kMinute, -1, false, {{"hit", true}, {"ageMs", 0}}},
      {-5 * kMinute - 1, -1, true, {{"hit", false}, {"refused", "expired"}}},
  };
  for (const auto& c : cases) {
    Page page(json{{"ttlMs", 1000}, {"staleMs", 500}});
    const auto mine = page.partition();
    page.store(mine, "q");
    json answer = page.look_up(mine, "q", kNow + c.age, c.max_age, c.allow_stale);
    answer.erase("id");
    EXPECT_EQ(answer, c.answer) << "age " << c.age << ", maxAge " << c.max_age << ", stale " << c.allow_stale;
  }
}

TEST(CacheIndex, OnlyAHitChangesTheOrderOfUse) {
  Page page(json{{"ttlMs", kHour}});
  const auto mine = page.partition();
  for (const char* q : {"a", "b", "c"}) page.store(mine, q);
  const auto ids = [&](const std::string& order) {
    Ids expected;
    for (const char q : order) expected.push_back(page.id(mine, std::string(1, q)));
    return expected;
  };
  EXPECT_EQ(page.listed(), ids("cba"));
  EXPECT_TRUE(page.hits(mine, "a", kNow + 1));
  EXPECT_EQ(page.listed(), ids("acb"));
  EXPECT_FALSE(page.hits(mine, "b", kNow + kHour));            // expired
  page.look_up(mine, "b", kNow + 10, 5);                       // too old
  EXPECT_FALSE(page.hits(mine, "unknown"));
  EXPECT_EQ(page.listed(), ids("acb"));
  EXPECT_EQ(page.listed({{"limit", 1}}), ids("a"));
  EXPECT_EQ(page.listed({{"limit", 5}, {"offset", 1}}), ids("cb"));
  EXPECT_EQ(page.list({{"limit", 0}})["total"], 3);
}

TEST(CacheIndex, BoundsAreKeptByEvictingWhatWasUsedLongestAgo) {
  Page page(json{{"maxEntries", 3}, {"maxBytes", 1000}});
  const auto mine = page.partition();
  for (const char* q : {"a", "b", "c"}) page.store(mine, q);
  EXPECT_TRUE(page.hits(mine, "a"));
  EXPECT_EQ(page.store(mine, "d")["evicted"].get<Ids>(), Ids{page.id(mine, "b")});
  // By bytes: 100 each so far, 250 is a quarter.
  page.configure({{"maxEntries", 100}, {"maxBytes", 1000}});
  for (const char* q : {"e", "f", "g"}) EXPECT_EQ(page.store(mine, q, {{"bytes", 200}})["evicted"].get<Ids>(), Ids{});
  EXPECT_EQ(page.list()["totalBytes"], 900);
  const json full = page.store(mine, "h", {{"bytes", 250}});
  EXPECT_EQ(full["evicted"].get<Ids>(), (Ids{page.id(mine, "c"), page.id(mine, "a")}));
  EXPECT_EQ(page.list()["totalBytes"], 950);
  const json large = page.store(mine, "i", {{"bytes", 251}});
  EXPECT_EQ(large["stored"], false);
  EXPECT_EQ(large["refused"], "too-large");
  EXPECT_EQ(page.list()["totalBytes"], 950);
}

TEST(CacheIndex, SmallerBoundsForceEntriesOut) {
  Page page;
  const auto mine = page.partition();
  for (const char* q : {"a", "b", "c", "d"}) page.store(mine, q);
  EXPECT_EQ(page.configure({{"maxEntries", 2}}), (Ids{page.id(mine, "a"), page.id(mine, "b")}));
  EXPECT_EQ(page.configure({{"maxBytes", 199}}), Ids{page.id(mine, "c")});
  EXPECT_EQ(page.configure({{"maxEntries", 0}}), Ids{page.id(mine, "d")});
  EXPECT_EQ(page.store(mine, "e")["refused"], "too-large");
  const auto storable = page.index.storable({{"complete", true}, {"filtered", false}, {"finishReason", "stop"},
                                             {"provider", "space"}, {"temperature", 0}, {"variety", false},
                                             {"noStore", false}, {"bytes", 1}});
  EXPECT_EQ(json::parse(storable.value())["store"], false);
}

TEST(CacheIndex, ReplacingAnEntryCountsItsBytesOnce) {
  Page page(json{{"maxBytes", 1000}});
  const auto mine = page.partition();
  page.store(mine, "q", {{"bytes", 200}});
  page.store(mine, "q", {{"bytes", 50}, {"storedAt", kNow + 1}, {"now", kNow + 1}, {"tier", "user"}});
  const json list = page.list();
  EXPECT_EQ(list["total"], 1);
  EXPECT_EQ(list["totalBytes"], 50);
  EXPECT_EQ(list["entries"][0]["tier"], "user");
}

TEST(CacheIndex, AnOlderRecordDoesNotReplaceANewerOne) {
  Page page(json{{"ttlMs", kHour}});
  const auto mine = page.partition();
  page.store(mine, "q", {{"hits", 3}, {"lastUsedAt", kNow}});
  const json older = page.store(mine, "q", {{"storedAt", kNow - 1}, {"target", "space:user"}});
  EXPECT_EQ(older["stored"], false);
  EXPECT_EQ(older["refused"], "older");
  EXPECT_EQ(page.list()["entries"][0]["target"], "space:base");
  // The same record heard again loses neither hits nor its last use.
  EXPECT_EQ(page.store(mine, "q", {{"hits", 1}, {"lastUsedAt", kNow - 500}})["stored"], true);
  EXPECT_EQ(page.list()["entries"][0]["hits"], 3);
  EXPECT_EQ(page.list()["entries"][0]["lastUsedAt"], kNow);
  // What is newer only because the clock was set back since, or is over, gives way.
  EXPECT_EQ(page.store(mine, "q", {{"storedAt", kNow - kMinute}, {"now", kNow - kMinute}})["stored"], true);
}

TEST(CacheIndex, StoreRefusals) {
  struct {
    json changes;
    const char* refused;
  } const cases[] = {
      {{{"storedAt", kNow - 24 * kHour}}, "expired"},
      {{{"storedAt", kNow - 10}, {"ttlMs", 10}}, "expired"},
      {{{"ttlMs", 0}}, "expired"},
      {{{"storedAt", kNow + 5 * kMinute + 1}}, "future"},
      {{{"bytes", 8 * 1024 * 1024 + 1}}, "too-large"},
      {{{"bytes", 9007199254740991.0}}, "too-large"},
  };
  for (const auto& c : cases) {
    Page page;
    const json answer = page.store(page.partition(), "q", c.changes);
    EXPECT_EQ(answer["stored"], false) << c.changes.dump();
    EXPECT_EQ(answer["refused"], c.refused) << c.changes.dump();
    EXPECT_EQ(page.list()["total"], 0) << c.changes.dump();
  }
}

TEST(CacheIndex, ARecordFromSlightlyAheadIsTakenAsStoredNow) {
  Page page(json{{"ttlMs", 1000}});
  const auto mine = page.partition();
  EXPECT_EQ(page.store(mine, "q", {{"storedAt", kNow + kMinute}})["expiresAt"], kNow + 1000);
  EXPECT_FALSE(page.hits(mine, "q", kNow + 1000));
}

TEST(CacheIndex, RecordsReadBackKeepTheirOrder) {
  for (const std::string order : {"abcde", "edcba", "cabed"}) {
    Page page(json{{"maxEntries", 5}});
    const auto mine = page.partition();
    for (const char q : order) {
      page.store(mine, std::string(1, q), {{"storedAt", kNow - kMinute}, {"lastUsedAt", kNow - 1000 + q}});
    }
    Ids expected;
    for (const char* q : {"e", "d", "c", "b", "a"}) expected.push_back(page.id(mine, q));
    EXPECT_EQ(page.listed(), expected) << order;
    // One more, used between b and c, takes the place of a; one used before all finds none, and pushes nothing out.
    const json between = page.store(mine, "y", {{"storedAt", kNow - kMinute}, {"lastUsedAt", kNow - 1000 + 'b' + 0.5}});
    EXPECT_EQ(between["evicted"].get<Ids>(), Ids{page.id(mine, "a")});
    expected = {expected[0], expected[1], expected[2], page.id(mine, "y"), expected[3]};
    EXPECT_EQ(page.listed(), expected) << order;
    const json old = page.store(mine, "z", {{"storedAt", kNow - kMinute}, {"lastUsedAt", kNow - 5000}});
    EXPECT_EQ(old["refused"], "full");
    EXPECT_EQ(old["evicted"].get<Ids>(), Ids{});
    EXPECT_EQ(page.listed(), expected) << order;
  }
}

TEST(CacheIndex, AfterTheClockWasSetBackNewEntriesAreStillTheNewest) {
  Page page(json{{"maxEntries", 2}});
  const auto mine = page.partition();
  page.store(mine, "a");
  page.store(mine, "b");
  page.store(mine, "c", {{"storedAt", kNow - kMinute}, {"now", kNow - kMinute}});
  EXPECT_EQ(page.listed(), (Ids{page.id(mine, "c"), page.id(mine, "b")}));
}

TEST(CacheIndex, ManyRecordsReadBackInAnyOrderWithUseInBetween) {
  std::mt19937 random(7);
  Page page;
  const auto mine = page.partition();
  std::map<double, std::string, std::greater<>> by_time;  // newest first
  for (int i = 0; i < 600; ++i) {
    const std::string request = std::to_string(i);
    const double used = kNow - 1 - static_cast<double>(random() % 1'000'000'000) / 1000;
    page.store(mine, request, {{"storedAt", kNow - kHour}, {"lastUsedAt", used}});
    by_time[used] = page.id(mine, request);
    if (i % 100 != 50) continue;
    // A hit in the middle of it, by a clock set back: the newest all the same.
    const double back = kNow - kHour - 1;
    EXPECT_TRUE(page.hits(mine, request, back));
    EXPECT_EQ(page.listed({{"limit", 1}}), Ids{page.id(mine, request)});
    EXPECT_TRUE(page.hits(mine, request, kNow + i));
    by_time.erase(used);
    by_time[kNow + i] = page.id(mine, request);
  }
  Ids expected;
  for (const auto& [used, id] : by_time) expected.push_back(id);
  EXPECT_EQ(page.listed(), expected);
  // Smaller bounds take them from the old end.
  const Ids evicted = page.configure({{"maxEntries", 10}});
  EXPECT_EQ(evicted, Ids(expected.rbegin(), expected.rend() - 10));
}

TEST(CacheIndex, TheSweepFindsEveryExpiredEntry) {
  Page page(json{{"ttlMs", 1000}});
  const auto mine = page.partition();
  std::set<std::string> expired;
  for (int i = 0; i < 500; ++i) {
    const std::string request = "old " + std::to_string(i);
    page.store(mine, request);
    expired.insert(page.id(mine, request));
  }
  std::set<std::string> swept;
  int stores = 0;
  for (; stores < 30 && swept.size() < 500; ++stores) {
    const double now = kNow + 2000;
    const json answer = page.store(mine, "new " + std::to_string(stores), {{"storedAt", now}, {"now", now}});
    for (const json& id : answer["evicted"]) swept.insert(id.get<std::string>());
  }
  EXPECT_EQ(swept, expired);
  EXPECT_LE(stores, 500 / 32 + 2);
}

TEST(CacheIndex, WhatALookUpFoundExpiredGoesWithTheNextStore) {
  Page page(json{{"ttlMs", 1000}});
  const auto mine = page.partition();
  for (int i = 0; i < 500; ++i) page.store(mine, "old " + std::to_string(i), {{"ttlMs", i == 321 ? 10.0 : kHour}});
  EXPECT_FALSE(page.hits(mine, "old 321", kNow + 20));
  EXPECT_EQ(page.store(mine, "new")["evicted"].get<Ids>(), Ids{});  // at kNow it is not over
  EXPECT_FALSE(page.hits(mine, "old 321", kNow + 20));
  EXPECT_EQ(page.store(mine, "new", {{"storedAt", kNow + 20}, {"now", kNow + 20}})["evicted"].get<Ids>(),
            Ids{page.id(mine, "old 321")});
}

TEST(CacheIndex, Forget) {
  struct {
    json selector;
    std::string gone;
  } const cases[] = {
      {{{"tag", "x"}}, "ab"},
      {{{"tag", "y"}}, "b"},
      {{{"tag", "nobody's"}}, ""},
      {{{"tier", "user"}}, "bc"},
      {{{"target", "openai"}}, "d"},
      {{{"before", kNow}}, "a"},
      {{{"before", kNow + 1}}, "abcd"},
      {{{"tag", "x"}, {"tier", "user"}}, "b"},
      {{{"ids", json::array()}}, ""},
      {{{"all", true}}, "abcd"},
      {{{"all", true}, {"tag", "y"}}, "b"},
  };
  for (const auto& c : cases) {
    Page page;
    const auto mine = page.partition();
    page.store(mine, "a", {{"tags", {"x"}}, {"storedAt", kNow - 1}});
    page.store(mine, "b", {{"tags", {"x", "y"}}, {"tier", "user"}});
    page.store(mine, "c", {{"tags", {"xy"}}, {"tier", "user"}});
    page.store(mine, "d", {{"target", "openai"}});
    std::set<std::string> gone;
    for (const char q : c.gone) gone.insert(page.id(mine, std::string(1, q)));
    json dry = c.selector;
    dry["dryRun"] = true;
    const json rehearsal = json::parse(page.index.forget(dry).value());
    EXPECT_EQ(page.list()["total"], 4) << "a dry run deletes nothing";
    const json answer = json::parse(page.index.forget(c.selector).value());
    EXPECT_EQ(answer, rehearsal) << c.selector.dump();
    EXPECT_EQ(answer["ids"].get<std::set<std::string>>(), gone) << c.selector.dump();
    EXPECT_EQ(answer["bytes"], 100 * gone.size());
    EXPECT_EQ(page.list()["total"], 4 - gone.size());
    for (const char* q : {"a", "b", "c", "d"}) EXPECT_EQ(page.hits(mine, q), gone.count(page.id(mine, q)) == 0);
  }
}

TEST(CacheIndex, ForgetByIdTakesTheKnownOnesOnce) {
  Page page;
  const auto mine = page.partition();
  page.store(mine, "a");
  page.store(mine, "b");
  const std::string a = page.id(mine, "a");
  const json answer = json::parse(page.index.forget({{"ids", {a, a, page.id(mine, "unknown")}}}).value());
  EXPECT_EQ(answer, (json{{"ids", {a}}, {"bytes", 100}}));
}

TEST(CacheIndex, ForgetRefusesWhatWouldForgetMoreThanMeant) {
  Page page;
  const auto mine = page.partition();
  page.store(mine, "a");
  struct {
    json selector;
    const char* field;
  } const cases[] = {
      {json::object(), "all"},
      {{{"dryRun", true}}, "all"},
      {{{"all", false}}, "all"},
      {{{"tag", nullptr}, {"tier", "base"}}, "tag"},
      {{{"tags", {"x"}}}, "tags"},
      {{{"tag", "x"}, {"olderThan", 5}}, "olderThan"},
      {{{"tag", ""}}, "tag"},
      {{{"tier", 1}}, "tier"},
      {{{"before", "yesterday"}}, "before"},
      {{{"before", std::numeric_limits<double>::infinity()}}, "before"},
      {{{"partition", "ada"}}, "partition"},
      {{{"ids", "all"}}, "ids"},
      {{{"ids", {page.id(mine, "a"), "A"}}}, "ids[1]"},
      {{{"all", 1}}, "all"},
      {json::array(), "selector"},
  };
  for (const auto& c : cases) {
    const auto answer = page.index.forget(c.selector);
    ASSERT_FALSE(answer) << c.selector.dump();
    EXPECT_EQ(answer.error().code, "invalid-input");
    EXPECT_EQ(answer.error().field, c.field) << c.selector.dump();
  }
  EXPECT_TRUE(page.hits(mine, "a"));
}

TEST(CacheIndex, StoreNamesTheWrongField) {
  Page page;
  const auto mine = page.partition();
  const json good = page.record(mine, "q");
  const std::string upper = "A" + page.id(mine, "q").substr(1);
  const double infinity = std::numeric_limits<double>::infinity();
  struct {
    const char* field;
    std::vector<json> bad;
    const char* named = nullptr;
  } const cases[] = {
      {"id", {nullptr, 7, "", upper, page.id(mine, "q") + "0"}},
      {"partition", {nullptr, "ada", upper}},
      {"tier", {nullptr, 1, "", std::string(65, 'x')}},
      {"target", {nullptr, "", std::string(257, 'x')}},
      {"tags", {nullptr, "a", json::object(), json(std::vector<std::string>(17, "a"))}},
      {"tags", {{"a", ""}, {"a", 1}, {"a", std::string(129, 'x')}}, "tags[1]"},
      {"bytes", {nullptr, "1", -1, 1.5, infinity}},
      {"storedAt", {nullptr, -1, 8.65e15, infinity, std::numeric_limits<double>::quiet_NaN()}},
      {"now", {nullptr, true, -1}},
      {"ttlMs", {nullptr, -1, infinity, "1"}},
      {"lastUsedAt", {nullptr, -1, infinity}},
      {"hits", {nullptr, -1, 0.5, 4294967296.0}},
  };
  for (const auto& c : cases) {
    for (const json& bad : c.bad) {
      json record = good;
      record[c.field] = bad;
      const auto answer = page.index.store(record);
      ASSERT_FALSE(answer) << c.field << " = " << bad.dump();
      EXPECT_EQ(answer.error().code, "invalid-input");
      EXPECT_EQ(answer.error().field, c.named == nullptr ? c.field : c.named);
      EXPECT_NE(answer.error().message.find(answer.error().field), std::string::npos);
    }
  }
  for (const char* field : {"id", "partition", "tier", "target", "bytes", "storedAt", "now"}) {
    json record = good;
    record.erase(field);
    const auto answer = page.index.store(record);
    ASSERT_FALSE(answer) << field;
    EXPECT_EQ(answer.error().field, field);
  }
  EXPECT_FALSE(page.index.store(json::array()));
  EXPECT_TRUE(page.index.store(good));
}

TEST(CacheIndex, ConfigureNamesTheWrongFieldAndChangesNothingThen) {
  Page page;
  const auto mine = page.partition();
  page.store(mine, "q");
  for (const char* field : {"maxEntries", "maxBytes", "ttlMs", "staleMs"}) {
    for (const json& bad : {json(nullptr), json(-1), json("1"), json(std::numeric_limits<double>::infinity()), json(1e17)}) {
      json bounds = {{"maxEntries", 0}, {"ttlMs", 1}};
      bounds[field] = bad;
      const auto answer = page.index.configure({{"cache", bounds}});
      ASSERT_FALSE(answer) << field;
      EXPECT_EQ(answer.error().code, "invalid-config");  // as all of a configuration's complaints
      EXPECT_EQ(answer.error().field, std::string("cache.") + field);
    }
  }
  EXPECT_FALSE(page.index.configure({{"cache", 7}}));
  EXPECT_TRUE(page.hits(mine, "q"));
  EXPECT_TRUE(page.index.configure(json::object()));
}

TEST(CacheIndex, LookUpRefusesBadArguments) {
  Page page;
  const auto mine = page.partition();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(page.index.look_up(mine.handle + 1, "q", kNow, -1, false).error().code, "unknown-partition");
  EXPECT_EQ(page.index.look_up(mine.handle, "q", nan, -1, false).error().field, "now");
  EXPECT_EQ(page.index.look_up(mine.handle, "q", -1, -1, false).error().field, "now");
  EXPECT_EQ(page.index.look_up(mine.handle, "q", kNow, nan, false).error().field, "maxAge");
  EXPECT_EQ(page.index.look_up(mine.handle, "", kNow, -1, false).error().field, "request");
  EXPECT_EQ(page.index.look_up(mine.handle, "\xff", kNow, -1, false).error().field, "request");
  EXPECT_FALSE(page.index.entries({{"partition", "x"}}));
  EXPECT_FALSE(page.index.entries({{"limit", -1}}));
  EXPECT_FALSE(page.index.entries(json::array()));
}

TEST(CacheIndex, APartitionKnownFromARecordHasNoHandleUntilAsked) {
  Page other;
  Page page;
  const auto theirs = other.partition({{"user", "ada"}});
  page.index.store(other.record(theirs, "q")).value();
  EXPECT_EQ(page.index.look_up(0, "q", kNow, -1, false).error().code, "unknown-partition");
  const auto mine = page.partition({{"user", "ada"}});
  EXPECT_TRUE(page.hits(mine, "q"));
  // Its slot stays its own when the last entry goes.
  page.index.forget({{"all", true}}).value();
  const auto bob = page.partition({{"user", "bob"}});
  EXPECT_NE(bob.handle, mine.handle);
  EXPECT_FALSE(page.hits(mine, "q"));
}

TEST(CacheIndex, HandlesAreBounded) {
  Index index;
  for (std::size_t i = 0; i < kMaxPartitions; ++i) {
    ASSERT_TRUE(index.partition({{"fields", {{"n", std::to_string(i)}}}}));
  }
  EXPECT_EQ(index.partition({{"fields", {{"n", "one more"}}}}).error().code, "too-many-partitions");
  EXPECT_EQ(json::parse(index.partition({{"fields", {{"n", "7"}}}}).value())["handle"], 7);
}

// The index against a model that is slow and plain: a list in order of use.
class Model {
 public:
  struct Kept {
    std::string id;
    std::string partition;
    std::string tier;
    std::set<std::string> tags;
    double bytes, stored_at, ttl, used_at;
    int hits;
  };

  bool over(const Kept& entry, double now) const {
    return entry.stored_at - now > 5 * kMinute || now - entry.stored_at >= entry.ttl + stale;
  }
  std::vector<Kept>::iterator find(const std::string& id) {
    return std::find_if(kept.begin(), kept.end(), [&](const Kept& entry) { return entry.id == id; });
  }
  void place(Kept entry, double now) {
    auto at = kept.begin();
    if (entry.used_at < now) {
      at = std::find_if(kept.begin(), kept.end(), [&](const Kept& other) { return other.used_at <= entry.used_at; });
    }
    kept.insert(at, std::move(entry));
  }
  double bytes() const {
    double sum = 0;
    for (const Kept& entry : kept) sum += entry.bytes;
    return sum;
  }
  Ids order() const {
    Ids ids;
    for (const Kept& entry : kept) ids.push_back(entry.id);
    return ids;
  }

  std::vector<Kept> kept;  // newest used first
  double stale = 0;
};

// `clock_jumps`: the clock also goes back; then nothing is stored with a use in the past, whose place in an order that
// is no longer one of time would be a matter of taste.
void compare_with_model(unsigned seed, bool clock_jumps) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
  const double ttl = 5000;
  const double stale = 1000;
  std::size_t max_entries = 40;
  double max_bytes = 8000;
  const auto bounds = [&] {
    return json{{"maxEntries", max_entries}, {"maxBytes", max_bytes}, {"ttlMs", ttl}, {"staleMs", stale}};
  };
  Page page(bounds());
  Model model;
  model.stale = stale;
  std::vector<Page::Partition> partitions;
  for (const char* user : {"ada", "bob", "cy"}) partitions.push_back(page.partition({{"user", user}}));
  const char* tiers[] = {"base", "company", "user"};
  double now = kNow;

  for (int step = 0; step < 2500; ++step) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(step));
    now += below(60);
    if (clock_jumps && below(100) == 0) now += (below(2) == 0 ? -1 : 1) * static_cast<double>(below(700'000));
    const auto& where = partitions[static_cast<std::size_t>(below(3))];
    const std::string request = "request " + std::to_string(below(70));
    const int choice = below(100);
    if (choice < 45) {
      const bool allow_stale = below(2) == 0;
      const double max_age = below(3) == 0 ? below(6000) : -1;
      const json answer = page.look_up(where, request, now, max_age, allow_stale);
      const auto entry = model.find(answer["id"].get<std::string>());
      if (entry == model.kept.end()) {
        ASSERT_EQ(answer.size(), 2U) << answer.dump();
        ASSERT_EQ(answer["hit"], false);
        continue;
      }
      ASSERT_EQ(entry->partition, where.id);
      const double age = std::max(0.0, now - entry->stored_at);
      const bool is_stale = age >= entry->ttl;
      if (model.over(*entry, now) || (is_stale && !allow_stale)) {
        ASSERT_EQ(answer.value("refused", ""), "expired");
      } else if (max_age >= 0 && age > max_age) {
        ASSERT_EQ(answer.value("refused", ""), "too-old");
      } else {
        ASSERT_EQ(answer["hit"], true);
        ASSERT_EQ(answer["ageMs"].get<double>(), age);
        ASSERT_EQ(answer.value("stale", false), is_stale);
        Model::Kept used = *entry;
        used.used_at = now;
        ++used.hits;
        model.kept.erase(entry);
        model.kept.insert(model.kept.begin(), used);
      }
    } else if (choice < 92) {
      Model::Kept made = {page.id(where, request), where.id, tiers[below(3)], {}, static_cast<double>(below(2300)),
                          now, ttl, now, below(3)};
      if (below(4) == 0) made.ttl = below(9000);
      if (below(4) == 0) made.stored_at = now - below(7000);
      if (!clock_jumps && below(4) == 0) made.used_at = now - below(7000);
      for (int i = below(4); i > 0; --i) made.tags.insert("tag " + std::to_string(below(6)));
      const auto stored = page.index.store({{"id", made.id}, {"partition", made.partition}, {"tier", made.tier},
                                            {"target", "space:" + made.tier}, {"tags", made.tags},
                                            {"bytes", made.bytes}, {"storedAt", made.stored_at},
                                            {"ttlMs", made.ttl}, {"lastUsedAt", made.used_at},
                                            {"hits", made.hits}, {"now", now}});
      const json answer = json::parse(stored.value());
      const auto before = model.find(made.id);
      std::string refused;
      if (model.over(made, now)) {
        refused = "expired";
      } else if (max_entries == 0 || made.bytes > std::floor(max_bytes / 4)) {
        refused = "too-large";
      } else if (before != model.kept.end() && before->stored_at <= now && !model.over(*before, now) &&
                 made.stored_at < before->stored_at) {
        refused = "older";
      }
      const bool was_there = before != model.kept.end();
      if (refused.empty()) {
        if (was_there) {
          if (before->stored_at == made.stored_at) {
            made.hits = std::max(made.hits, before->hits);
            made.used_at = std::max(made.used_at, before->used_at);
          }
          model.kept.erase(before);
        }
        model.place(made, now);
      }
      // The sweep may take any entry that is over; the rest of `evicted` is forced out, oldest first.
      Ids evicted = answer["evicted"].get<Ids>();
      for (auto at = evicted.begin(); at != evicted.end();) {
        const auto entry = model.find(*at);
        if (entry != model.kept.end() && model.over(*entry, now)) {
          model.kept.erase(entry);
          at = evicted.erase(at);
        } else {
          ++at;
        }
      }
      Ids victims;
      auto left = model.kept;
      double left_bytes = model.bytes();
      while (left.size() > max_entries || left_bytes > max_bytes) {
        left_bytes -= left.back().bytes;
        victims.push_back(left.back().id);
        left.pop_back();
      }
      if (refused.empty() && std::count(victims.begin(), victims.end(), made.id) > 0) {
        refused = "full";
        victims = was_there ? Ids{made.id} : Ids{};
        model.kept.erase(model.find(made.id));
      } else {
        model.kept = left;
      }
      ASSERT_EQ(evicted, victims);
      ASSERT_EQ(answer.value("refused", ""), refused);
      ASSERT_EQ(answer["stored"], refused.empty());
      ASSERT_EQ(answer["expiresAt"].get<double>(), made.stored_at + made.ttl);
    } else if (choice < 98) {
      json selector = {{"dryRun", below(3) == 0}};
      const int kind = below(4);
      if (kind == 0 || below(3) == 0) selector["tag"] = "tag " + std::to_string(below(6));
      if (kind == 1 || below(3) == 0) selector["tier"] = tiers[below(3)];
      if (kind == 2 || below(3) == 0) selector["before"] = now - below(9000);
      if (kind == 3 || below(3) == 0) selector["ids"] = Ids{page.id(where, request)};
      if (below(2) == 0) selector["partition"] = where.id;
      const json answer = json::parse(page.index.forget(selector).value());
      Ids gone;
      double bytes = 0;
      for (const auto& entry : model.kept) {
        const bool selected = (!selector.contains("tag") || entry.tags.count(selector["tag"].get<std::string>()) > 0) &&
                              (!selector.contains("tier") || entry.tier == selector["tier"].get<std::string>()) &&
                              (!selector.contains("before") || entry.stored_at < selector["before"].get<double>()) &&
                              (!selector.contains("ids") || entry.id == selector["ids"][0].get<std::string>()) &&
                              (!selector.contains("partition") || entry.partition == where.id);
        if (!selected) continue;
        gone.push_back(entry.id);
        bytes += entry.bytes;
      }
      ASSERT_EQ(answer["ids"].get<Ids>(), gone) << selector.dump();
      ASSERT_EQ(answer["bytes"].get<double>(), bytes);
      if (!selector["dryRun"].get<bool>()) {
        for (const std::string& id : gone) model.kept.erase(model.find(id));
      }
    } else {
      max_entries = static_cast<std::size_t>(20 + below(40));
      max_bytes = 4000 + below(8000);
      Ids victims;
      while (model.kept.size() > max_entries || model.bytes() > max_bytes) {
        victims.push_back(model.kept.back().id);
        model.kept.pop_back();
      }
      ASSERT_EQ(page.configure(bounds()), victims);
    }
    const json list = page.list();
    ASSERT_EQ(list["total"], model.kept.size());
    ASSERT_EQ(list["totalBytes"].get<double>(), model.bytes());
    ASSERT_LE(model.bytes(), max_bytes);
    if (step % 20 == 0) {
      ASSERT_EQ(page.listed(), model.order());
      for (std::size_t i = 0; i < model.kept.size(); ++i) {
        const json& entry = list["entries"][i];
        ASSERT_EQ(entry["hits"], model.kept[i].hits);
        ASSERT_EQ(entry["lastUsedAt"], model.kept[i].used_at);
        ASSERT_EQ(entry["tags"].get<std::set<std::string>>(), model.kept[i].tags);
        ASSERT_EQ(entry["tier"], model.kept[i].tier);
      }
    }
  }
}

TEST(CacheIndex, RandomOperationsAgreeWithAPlainModel) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    compare_with_model(seed, false);
    if (HasFatalFailure()) return;
  }
}

TEST(CacheIndex, RandomOperationsAgreeWithAPlainModelWhenTheClockJumps) {
  for (unsigned seed = 101; seed <= 104; ++seed) {
    compare_with_model(seed, true);
    if (HasFatalFailure()) return;
  }
}

TEST(CacheIndex, TenThousandEntriesAllFoundAfterMuchComingAndGoing) {
  Page page(json{{"maxEntries", 2000}});
  const auto mine = page.partition();
  for (int i = 0; i < 10'000; ++i) page.store(mine, std::to_string(i), {{"tags", {std::to_string(i % 7)}}});
  page.index.forget({{"tag", "3"}}).value();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(page.hits(mine, std::to_string(i)), i >= 8000 && i % 7 != 3) << i;
  }
}

}  // namespace
}  // namespace tierwise::cache
