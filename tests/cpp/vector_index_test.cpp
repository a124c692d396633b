// The vector index against a search over floats, through random histories; its snapshots, whole, torn and altered.
#include "embed/vector_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "embed/vector_snapshot.h"

namespace tierwise::embed {
namespace {

using Vector = std::vector<float>;
using Hit = VectorIndex::Hit;
using Hits = std::vector<Hit>;

// The same numbers with every library: std's distributions are not fixed by the standard.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  float normal() {
    float sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<float>(engine_()) / 4294967296.0F;
    return sum;
  }
  Vector vector(std::size_t dimensions) {
    Vector made(dimensions);
    for (float& x : made) x = normal();
    return made;
  }
  Vector near(const Vector& centre, float spread) {
    Vector made = centre;
    for (float& x : made) x += spread * normal();
    return made;
  }

 private:
  std::mt19937 engine_;
};

double cosine(const Vector& a, const Vector& b) {
  double product = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return product / std::sqrt(aa * bb);
}

// What the index ought to hold.
struct Entry {
  std::uint32_t partition;
  std::uint32_t tags;
  Vector vector;
};
using Oracle = std::map<std::uint32_t, Entry>;

// Six standard errors of a score, vectors of few dimensions being coded more coarsely against their length.
double tolerance(std::size_t dimensions) { return 6 * 2e-3 / std::sqrt(static_cast<double>(dimensions)); }

void expect_right(const Oracle& oracle, const Vector& query, const VectorIndex::Search& search, const Hits& hits) {
  const double slack = tolerance(query.size());
  std::vector<double> scores;
  std::size_t sure = 0;
  for (const auto& [id, entry] : oracle) {
    if (entry.partition != search.partition || (entry.tags & search.tags) != search.tags) continue;
    const double score = cosine(query, entry.vector);
    scores.push_back(score);
    if (score >= search.min_score + slack) ++sure;
  }
  std::sort(scores.rbegin(), scores.rend());
  ASSERT_GE(hits.size(), std::min(search.k, sure));
  ASSERT_LE(hits.size(), std::min(search.k, scores.size()));
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const auto found = oracle.find(hits[i].id);
    ASSERT_NE(found, oracle.end());
    ASSERT_EQ(found->second.partition, search.partition);
    ASSERT_EQ(found->second.tags & search.tags, search.tags);
    ASSERT_NEAR(hits[i].score, cosine(query, found->second.vector), slack);
    ASSERT_NEAR(hits[i].score, scores[i], slack) << "rank " << i;
    ASSERT_GE(hits[i].score, search.min_score);
    if (i > 0) {
      ASSERT_TRUE(hits[i - 1].score > hits[i].score ||
                  (hits[i - 1].score == hits[i].score && hits[i - 1].id < hits[i].id));
    }
  }
}

std::string saved(const VectorIndex& index, std::size_t piece = 1 << 16) {
  VectorSnapshotWriter writer(index);
  std::string all;
  std::string room(piece, '\0');
  while (const std::size_t n = writer.write(room)) all.append(room, 0, n);
  EXPECT_EQ(all.size(), writer.bytes());
  return all;
}

Result<Done> load(VectorIndex& index, std::string_view bytes, std::size_t piece = 1 << 16) {
  VectorSnapshotReader reader(index.dimensions());
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto taken = reader.read(bytes.substr(at, piece));
    if (!taken) return taken;
  }
  return reader.finish(index);
}

Hits search(const VectorIndex& index, const Vector& query, const VectorIndex::Search& how) {
  auto hits = index.search(query, how);
  EXPECT_TRUE(hits);
  return hits ? hits.value() : Hits();
}

struct HistoryCase {
  std::size_t dimensions;
  std::uint32_t seed;
  std::uint32_t partitions;
  int steps;
  bool clustered;
};

class VectorHistory : public testing::TestWithParam<HistoryCase> {};

TEST_P(VectorHistory, EverySearchIsRight) {
  const HistoryCase& given = GetParam();
  const std::size_t dimensions = given.dimensions;
  const std::uint32_t partitions = given.partitions;
  Random random(given.seed);
  VectorIndex index(dimensions);
  Oracle oracle;
  std::vector<Vector> centres;
  for (int i = 0; i < 12; ++i) centres.push_back(random.vector(dimensions));
  const auto vector = [&] {
    return given.clustered ? random.near(centres[random.below(12)], 0.5F) : random.vector(dimensions);
  };
  const auto some_id = [&] {
    auto at = oracle.lower_bound(random.below(static_cast<std::uint32_t>(oracle.rbegin()->first + 1)));
    return at->first;
  };
  std::size_t most = 0;
  for (int step = 0; step < given.steps; ++step) {
    // Times of growing and times of shrinking.
    const bool growing = step / 200 % 3 != 2;
    const std::uint32_t what = random.below(100);
    if (oracle.empty() || what < (growing ? 75U : 20U)) {
      Entry entry = {random.below(partitions), random.below(16), vector()};
      const auto id = index.add(entry.partition, entry.vector, entry.tags);
      ASSERT_TRUE(id);
      ASSERT_TRUE(oracle.emplace(id.value(), std::move(entry)).second);
    } else if (what < 85) {
      const std::uint32_t id = some_id();
      ASSERT_TRUE(index.remove(id));
      ASSERT_FALSE(index.remove(id));
      oracle.erase(id);
    } else if (what < 95) {
      Entry& entry = oracle[some_id()];
      entry.vector = vector();
      const bool keep_tags = random.below(2) == 0;
      if (!keep_tags) entry.tags = random.below(16);
      const auto id =
          std::find_if(oracle.begin(), oracle.end(), [&](const auto& e) { return &e.second == &entry; })->first;
      ASSERT_TRUE(keep_tags ? index.update(id, entry.vector) : index.update(id, entry.vector, entry.tags));
    } else if (what == 99 && step % 7 == 0) {
      const std::uint32_t partition = random.below(partitions);
      const std::size_t gone = std::erase_if(oracle, [&](const auto& e) { return e.second.partition == partition; });
      ASSERT_EQ(index.drop(partition), gone);
      ASSERT_EQ(index.rows_of(partition), 0U);
    } else if (what == 98) {
      VectorIndex other(dimensions);
      const std::string bytes = saved(index);
      ASSERT_TRUE(load(other, bytes));
      ASSERT_EQ(saved(other), bytes);
      index = std::move(other);
    }
    ASSERT_EQ(index.size(), oracle.size());
    most = std::max(most, oracle.size());
    if (step % 10 != 0) continue;
    VectorIndex::Search how;
    how.partition = random.below(partitions);
    how.k = 1 + random.below(random.below(4) == 0 ? 400 : 12);
    if (random.below(3) == 0) how.tags = random.below(16);
    if (random.below(3) == 0) how.min_score = 0.3F + 0.1F * static_cast<float>(random.below(6));
    const Vector query =
        oracle.empty() || random.below(2) == 0 ? vector() : random.near(oracle[some_id()].vector, 0.2F);
    expect_right(oracle, query, how, search(index, query, how));
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(most, 100U);
  while (!oracle.empty()) {
    ASSERT_TRUE(index.remove(oracle.begin()->first));
    oracle.erase(oracle.begin());
  }
  EXPECT_EQ(index.size(), 0U);
  EXPECT_EQ(index.partitions(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Histories, VectorHistory,
                         testing::Values(HistoryCase{384, 1, 1, 1500, true}, HistoryCase{384, 2, 3, 1500, false},
                                         HistoryCase{128, 3, 2, 2000, true}, HistoryCase{16, 4, 1, 2500, false},
                                         HistoryCase{17, 5, 2, 2000, true}, HistoryCase{100, 6, 40, 2500, true},
                                         HistoryCase{1024, 7, 2, 800, false}, HistoryCase{48, 8, 3, 2500, true},
                                         HistoryCase{2, 9, 1, 1500, false}));

TEST(VectorIndex, FindsTheNearestOfManyRows) {
  constexpr std::size_t kDimensions = 128;
  Random random(11);
  VectorIndex index(kDimensions);
  Oracle oracle;
  std::vector<Vector> centres;
  for (int i = 0; i < 150; ++i) centres.push_back(random.vector(kDimensions));
  for (int i = 0; i < 3000; ++i) {
    Entry entry = {5, static_cast<std::uint32_t>(i % 64 == 0), random.near(centres[random.below(150)], 0.6F)};
    const std::uint32_t id = index.add(5, entry.vector, entry.tags).value();
    oracle.emplace(id, std::move(entry));
  }
  for (int i = 0; i < 30; ++i) {
    const Vector query = i % 2 == 0 ? random.near(centres[random.below(150)], 0.6F) : random.vector(kDimensions);
    for (const auto& [k, tags] :
         std::vector<std::pair<std::size_t, std::uint32_t>>{{1, 0}, {10, 0}, {5, 1}, {5000, 0}}) {
      VectorIndex::Search how;
      how.partition = 5;
      how.k = k;
      how.tags = tags;
      const Hits hits = search(index, query, how);
      EXPECT_EQ(hits.size(), std::min<std::size_t>(k, 3000));
      expect_right(oracle, query, how, hits);
      if (HasFatalFailure()) return;
    }
  }
}

// Few places hold all there is: signs alone say nothing of such vectors until they are turned.
TEST(VectorIndex, FindsSparseVectors) {
  constexpr std::size_t kDimensions = 384;
  Random random(12);
  VectorIndex index(kDimensions);
  Oracle oracle;
  for (std::uint32_t i = 0; i < 600; ++i) {
    Vector vector(kDimensions);
    for (int k = 0; k < 3; ++k) vector[random.below(kDimensions)] += 1;
    ASSERT_EQ(index.add(0, vector).value(), i);
    oracle[i] = {0, 0, vector};
  }
  for (std::uint32_t i = 0; i < 600; i += 7) {
    VectorIndex::Search how;
    how.k = 3;
    const Hits hits = search(index, oracle[i].vector, how);
    ASSERT_NEAR(hits[0].score, 1, 1e-6);
    expect_right(oracle, oracle[i].vector, how, hits);
    if (HasFatalFailure()) return;
  }
}

TEST(VectorIndex, ScoresAVectorAgainstItselfAs1AndTiesByTheSmallerId) {
  Random random(13);
  for (const std::size_t rows : std::initializer_list<std::size_t>{5, 64, 65, 300}) {
    VectorIndex index(384);
    const Vector vector = random.vector(384);
    Vector longer = vector;
    for (float& x : longer) x *= 1024;
    for (std::size_t i = 0; i < rows; ++i) ASSERT_TRUE(index.add(1, i % 2 == 0 ? vector : longer));
    VectorIndex::Search how;
    how.partition = 1;
    how.k = 4;
    const Hits hits = search(index, longer, how);
    ASSERT_EQ(hits.size(), 4U);
    for (std::uint32_t i = 0; i < 4; ++i) {
      EXPECT_EQ(hits[i].id, i);
      EXPECT_NEAR(hits[i].score, 1, 1e-6);
    }
    for (float& x : longer) x = -x;
    EXPECT_NEAR(search(index, longer, how)[0].score, -1, 1e-6);
  }
}

TEST(VectorIndex, RefusesVectorsWithoutADirection) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  VectorIndex index(4);
  const std::uint32_t id = index.add(0, Vector{1, 2, 3, 4}).value();
  for (const Vector& bad :
       {Vector{0, 0, 0, 0}, Vector{1, NAN, 0, 0}, Vector{kInfinity, 0, 0, 0}, Vector{-kInfinity, 1, 2, kInfinity}}) {
    EXPECT_EQ(index.add(0, bad).error().code, "invalid-vector");
    EXPECT_EQ(index.update(id, bad).error().field, "vector");
    EXPECT_EQ(index.search(bad, {}).error().code, "invalid-vector");
  }
  EXPECT_EQ(index.size(), 1U);
  // The smallest and the largest there are.
  for (const float size : {1e-45F, 3e38F}) {
    ASSERT_TRUE(index.add(0, Vector{size, size, size, size}));
    VectorIndex::Search how;
    how.k = 1;
    EXPECT_NEAR(search(index, Vector{size, size, size, size}, how)[0].score, 1, 1e-5);
  }
}

TEST(VectorIndex, AnswersNothingWhereThereIsNothing) {
  VectorIndex index(16);
  Random random(14);
  const Vector vector = random.vector(16);
  EXPECT_TRUE(search(index, vector, {}).empty());
  EXPECT_FALSE(index.remove(0));
  EXPECT_EQ(index.drop(3), 0U);
  EXPECT_EQ(index.update(0, vector).error().code, "unknown-row");
  ASSERT_TRUE(index.add(3, vector));
  EXPECT_TRUE(search(index, vector, {}).empty());
  VectorIndex::Search none;
  none.partition = 3;
  none.k = 0;
  EXPECT_TRUE(search(index, vector, none).empty());
}

TEST(VectorIndex, GivesMemoryBack) {
  Random random(15);
  VectorIndex index(384);
  std::vector<std::uint32_t> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(index.add(1, random.vector(384)).value());
  // 590 bytes a row and the table of ids, beside at most one chunk that is not full.
  EXPECT_LE(index.bytes(), 5000U * 600 + 600'000);
  while (ids.size() > 100) {
    ASSERT_TRUE(index.remove(ids.back()));
    ids.pop_back();
  }
  EXPECT_LE(index.bytes(), 400U * 600 + 5000 * 20);
  EXPECT_EQ(index.drop(1), 100U);
  EXPECT_LE(index.bytes(), 5000U * 20);
  // Partitions of three rows take the room of four.
  VectorIndex small(384);
  for (std::uint32_t i = 0; i < 3000; ++i) ASSERT_TRUE(small.add(i / 3, random.vector(384)));
  EXPECT_EQ(small.partitions(), 1000U);
  EXPECT_LE(small.bytes(), 1000U * (4 * 545 + 150) + 3000 * 16);
}

TEST(VectorIndex, GivesAnIdOutAgainOnlyWhenItIsFree) {
  VectorIndex index(2);
  const Vector vector = {1, 0};
  EXPECT_EQ(index.add(0, vector).value(), 0U);
  EXPECT_EQ(index.add(1, vector).value(), 1U);
  EXPECT_EQ(index.add(0, vector).value(), 2U);
  EXPECT_TRUE(index.remove(0));
  EXPECT_FALSE(index.contains(0));
  EXPECT_TRUE(index.contains(2));
  EXPECT_EQ(index.add(1, vector).value(), 0U);
  EXPECT_EQ(index.add(1, vector).value(), 3U);
}

// Codes, scores and order are the same natively and in WebAssembly: this is the XXH64 of a snapshot and of scores.
TEST(VectorIndex, IsTheSameOnEveryMachine) {
  Random random(16);
  VectorIndex index(384);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(index.add(0, random.vector(384)));
  Checksum checksum;
  checksum.update(saved(index));
  VectorIndex::Search how;
  how.k = 300;
  for (int i = 0; i < 5; ++i) {
    for (const Hit& hit : search(index, random.vector(384), how)) {
      checksum.update({reinterpret_cast<const char*>(&hit), sizeof hit});
    }
  }
  EXPECT_EQ(checksum.value(), 18082077488536385839U);
}

VectorIndex small_index() {
  Random random(17);
  VectorIndex index(16);
  for (std::uint32_t i = 0; i < 7; ++i) EXPECT_TRUE(index.add(i % 2, random.vector(16), i));
  EXPECT_TRUE(index.remove(2));
  return index;
}

TEST(VectorSnapshot, ComesBackAsItWas) {
  Random random(18);
  for (const std::size_t rows : std::initializer_list<std::size_t>{0, 1, 100, 1024, 1025, 2500}) {
    VectorIndex index(32);
    for (std::size_t i = 0; i < rows; ++i) ASSERT_TRUE(index.add(9, random.vector(32), random.below(4)));
    for (std::uint32_t id = 1; id < rows; id += 5) ASSERT_TRUE(index.remove(id));
    const std::string bytes = saved(index, 1000);
    for (const std::size_t piece : {std::size_t{7}, std::size_t{4096}, bytes.size()}) {
      VectorIndex back(32);
      ASSERT_TRUE(back.add(1, random.vector(32)));
      ASSERT_TRUE(load(back, bytes, piece));
      ASSERT_EQ(saved(back), bytes);
      EXPECT_EQ(back.rows_of(1), 0U);
      VectorIndex::Search how;
      how.partition = 9;
      how.k = 20;
      const Vector query = random.vector(32);
      EXPECT_EQ(search(back, query, how), search(index, query, how));
      // And goes on: free ids are given out, taken ones are not.
      const std::uint32_t id = back.add(9, query).value();
      EXPECT_EQ(id, rows > 1 ? 1U : static_cast<std::uint32_t>(rows));
      EXPECT_EQ(search(back, query, how)[0].id, id);
    }
  }
}

TEST(VectorSnapshot, RefusesEveryAlteredBitAndEveryTornEnd) {
  const VectorIndex index = small_index();
  const std::string bytes = saved(index);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string altered = bytes;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << bit % 8));
    VectorIndex target(16);
    ASSERT_TRUE(target.add(4, Vector(16, 1)));
    const auto answer = load(target, altered);
    ASSERT_FALSE(answer) << bit;
    EXPECT_EQ(answer.error().code, "invalid-snapshot");
    EXPECT_EQ(target.rows_of(4), 1U);
  }
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    VectorIndex target(16);
    ASSERT_FALSE(load(target, std::string_view(bytes).substr(0, length))) << length;
  }
  VectorIndex target(16);
  EXPECT_FALSE(load(target, bytes + "x"));
}

// Someone who makes the checksum anew.
TEST(VectorSnapshot, RefusesForgedParts) {
  const std::string bytes = saved(small_index());
  const auto forged = [&](std::size_t at, std::uint32_t value) {
    std::string made = bytes;
    std::memcpy(made.data() + at, &value, sizeof value);
    Checksum checksum;
    checksum.update(std::string_view(made).substr(0, made.size() - 8));
    const std::uint64_t sum = checksum.value();
    std::memcpy(made.data() + made.size() - 8, &sum, sizeof sum);
    return made;
  };
  VectorIndex same(16);
  EXPECT_TRUE(load(same, forged(4, 1)));
  struct Case {
    const char* what;
    std::size_t at;
    std::uint32_t value;
  };
  // Six rows: ids 0, 6, 4 in partition 0; 1, 3, 5 in partition 1. A partition's columns begin at 40.
  for (const auto& [what, at, value] : std::vector<Case>{
           {"magic", 0, 0},
           {"version", 4, 2},
           {"dimensions", 8, 17},
           {"dimensions, giant", 8, 0xFFFFFFFF},
           {"rows", 12, 7},
           {"rows, giant", 12, 0xFFFFFFFF},
           {"partitions", 16, 3},
           {"partitions, none", 16, 0},
           {"ids, fewer than rows", 20, 5},
           {"ids, giant", 20, 0xFFFFFFFF},
           {"length", 24, 7},
           {"length, giant", 28, 1},
           {"rows of a partition", 36, 4},
           {"rows of a partition, none", 36, 0},
           {"rows of a partition, giant", 36, 0xFFFFFFFF},
           {"id beyond", 40, 7},
           {"id twice", 44, 0},
           {"scale, NaN", 64, 0x7FC00000},
           {"scale, infinite", 64, 0x7F800000},
           {"scale, negative", 64, 0xBF800000},
           {"scale, 0", 64, 0},
           {"partition twice", 40 + 3 * (12 + 16 + 32), 0},
       }) {
    VectorIndex target(16);
    const auto answer = load(target, forged(at, value));
    ASSERT_FALSE(answer) << what;
    EXPECT_EQ(answer.error().code, "invalid-snapshot");
    EXPECT_EQ(target.size(), 0U);
  }
  // Codes may be anything: the scores are wrong, and nothing else is.
  for (const std::uint32_t code : {0x80808080U, 0U}) {
    std::string made = forged(76, code);
    VectorIndex target(16);
    ASSERT_TRUE(load(target, made));
    for (const Hit& hit : search(target, Vector(16, 1), {})) EXPECT_LE(std::abs(hit.score), 1.0F);
  }
}

TEST(VectorSnapshot, IsForAsManyDimensions) {
  const std::string bytes = saved(small_index());
  VectorIndex other(15);  // coded in as many places
  EXPECT_EQ(load(other, bytes).error().field, "from");
}

TEST(Checksum, IsXxh64) {
  // From the reference implementation's python binding, xxhash 3.5.
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"", 0xEF46DB3751D8E999},
      {"a", 0xD24EC4F1A98C6E5B},
      {"abc", 0x44BC2CF5AD770999},
      {"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1},
  };
  for (const auto& [text, sum] : cases) {
    Checksum whole;
    whole.update(text);
    EXPECT_EQ(whole.value(), sum) << text;
    Checksum pieces;
    for (const char* c = text; *c != '\0'; ++c) pieces.update({c, 1});
    EXPECT_EQ(pieces.value(), sum) << text;
  }
}

}  // namespace
}  // namespace tierwise::embed
