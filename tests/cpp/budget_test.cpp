#include "prompt/budget.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "base/words.h"

namespace tierwise::prompt {
namespace {

std::vector<Role> roles_of(std::string_view letters) {
  std::vector<Role> roles;
  for (const char c : letters) roles.push_back(static_cast<Role>(std::string_view("suat").find(c)));
  return roles;
}

// 10 tokens for each message, for documents as given.
struct Prices final : Costs {
  explicit Prices(std::vector<double> prices) : documents(std::move(prices)) {}
  double message(std::size_t, double) override {
    ++asked;
    return 10;
  }
  double document(std::size_t index, double) override { return documents[index]; }
  std::vector<double> documents;
  int asked = 0;
};

TEST(Budget, KeepsWholeTurnsFromTheNewestBack) {
  struct {
    std::string_view roles;
    double room;
    std::size_t from;
    int asked;
  } const cases[] = {
      {"uauau", 100, 0, 4},
      {"uauau", 40, 0, 4},
      {"uauau", 39, 2, 4},
      {"uauau", 20, 2, 3},
      {"uauau", 19, 4, 2},
      {"uauau", 0, 4, 1},
      {"suauau", 20, 3, 3},
      {"suauau", 40, 0, 4},
      {"u", 0, 0, 0},
      {"s", 0, 0, 0},
      {"a", 0, 0, 0},
      {"su", 0, 0, 0},
      {"auau", 30, 0, 3},
      {"auau", 29, 1, 3},
      // A call, its result and what is made of it go together.
      {"uatauau", 60, 0, 6},
      {"uatauau", 59, 4, 6},
      {"uatau", 39, 4, 4},
      {"uatau", 40, 0, 4},
      // What follows the last question stays and costs nothing of the room.
      {"uauatat", 19, 2, 2},
      {"uauatat", 20, 0, 2},
      // System messages in between are no part of a turn.
      {"uasuau", 20, 3, 3},
  };
  for (const auto& c : cases) {
    Prices prices({});
    const Kept kept = keep_within(c.room, roles_of(c.roles), {}, prices);
    EXPECT_EQ(kept.from, c.from) << c.roles << ' ' << c.room;
    EXPECT_EQ(prices.asked, c.asked) << c.roles << ' ' << c.room;
    EXPECT_LE(kept.used, c.room) << c.roles;
  }
}

TEST(Budget, DocumentsGiveWayByPriority) {
  constexpr double kAll = kWhole;
  struct {
    double room;
    std::vector<double> priorities;
    std::vector<double> costs;
    std::size_t from;
    std::vector<double> documents;
  } const cases[] = {
      {500, {0, 0}, {100, 100}, 0, {kAll, kAll}},
      {210, {0, 0}, {100, 100}, 0, {kAll, 70}},  // the earlier first, the next in part
      {200, {0, 0}, {100, 100}, 0, {kAll, 0}},   // too little is left for a part
      {30, {0, 0.5}, {100, 100}, 2, {0, 0}},     // turns before documents
      {141, {0, 0.5}, {100, 100}, 0, {0, kAll}},
      {100, {0, 1}, {100, 100}, 4, {0, kAll}},  // what is declared to be worth more than turns
      {99, {2, 1}, {100, 10}, 4, {99, 0}},
      {130, {1, 1}, {100, 10}, 2, {kAll, kAll}},
      {-5, {1, 0}, {1, 1}, 4, {0, 0}},
  };
  for (const auto& c : cases) {
    Prices prices(c.costs);
    const Kept kept = keep_within(c.room, roles_of("uauau"), c.priorities, prices);
    EXPECT_EQ(kept.from, c.from) << c.room;
    EXPECT_EQ(kept.documents, c.documents) << c.room;
  }
}

TEST(Budget, CutsBetweenCharacters) {
  EXPECT_EQ(cut_middle("abcdefghij", 4), "ab\n[... 6 characters left out ...]\nij");
  EXPECT_EQ(cut_middle("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(cut_middle("äöüß", 5), "ä\n[... 2 characters left out ...]\nß");
  EXPECT_EQ(cut_middle("äöüß", 0), "\n[... 4 characters left out ...]");
  EXPECT_EQ(cut_end("abcdefghij", 4), "abcd\n[... 6 characters left out ...]");
  EXPECT_EQ(cut_end("äöü", 3), "ä\n[... 2 characters left out ...]");
  EXPECT_EQ(cut_end("äöü", 6), "äöü");
  const std::string text = "日本語テキスト👩‍👩‍👧 and so on";
  for (std::size_t bytes = 0; bytes <= text.size() + 1; ++bytes) {
    EXPECT_TRUE(valid_utf8(cut_middle(text, bytes))) << bytes;
    EXPECT_TRUE(valid_utf8(cut_end(text, bytes))) << bytes;
  }
}

}  // namespace
}  // namespace tierwise::prompt
