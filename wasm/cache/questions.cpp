#include "cache/questions.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/json_writer.h"
#include "base/text.h"
#include "base/words.h"
#include "cache/guard/signs.h"
#include "cache/takes_part.h"
#include "embed/pooling.h"

namespace tierwise::cache {
namespace {

// Byte positions of UTF-16 positions that never go back.
class BytePlaces {
 public:
  explicit BytePlaces(std::string_view text) : text_(text) {}

  std::uint32_t of(std::int32_t unit) {
    while (unit_ < unit && byte_ < text_.size()) {
      const auto lead = static_cast<std::uint8_t>(text_[byte_]);
      byte_ += lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      unit_ += lead < 0xF0 ? 1 : 2;
    }
    return static_cast<std::uint32_t>(std::min(byte_, text_.size()));
  }

 private:
  std::string_view text_;
  std::size_t byte_ = 0;
  std::int32_t unit_ = 0;
};

// Reading a question's words is two thirds of comparing it; those of a long one would take too much room.
constexpr std::size_t kReadOnceBytes = 512;

// Where what differs is shorter on one side (a preposition), its vector tells nothing.
constexpr std::size_t kLeastDifferentBytes = 4;

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// 0 where one of them is all 0.
double cosine(const std::vector<std::int8_t>& a, const std::vector<std::int8_t>& b) {
  double sum = 0;
  double of_a = 0;
  double of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += a[i] * b[i];
    of_a += a[i] * a[i];
    of_b += b[i] * b[i];
  }
  return of_a == 0 || of_b == 0 ? 0 : sum / std::sqrt(of_a * of_b);
}

// UTF-16 units of the first `bytes`.
double units(std::string_view text, std::uint32_t bytes) {
  std::size_t sum = 0;
  for (const char c : text.substr(0, bytes)) {
    const auto byte = static_cast<std::uint8_t>(c);
    sum += byte >= 0xF0 ? 2 : (byte & 0xC0) != 0x80;
  }
  return static_cast<double>(sum);
}

void write_refusal(JsonWriter& out, const guard::Comparison& told) {
  out.text("rule", word_at(guard::kRuleNames, static_cast<std::size_t>(told.rule))).text("reason", told.reason);
}

template <typename T>
void append_raw(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
std::string_view take_raw(std::string_view bytes, std::size_t count, std::vector<T>& values) {
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  return bytes.substr(count * sizeof(T));
}

}  // namespace

std::uint32_t Questions::scope_of(const Digest& digest) {
  std::uint32_t scope = scopes_.find(digest);
  if (scope == DigestTable::kNone) scope = scopes_.add(digest);
  if (in_scope_.size() <= scope) in_scope_.resize(scope + 1);
  ++in_scope_[scope];
  return scope;
}

void Questions::leave_scope(std::uint32_t scope) {
  if (--in_scope_[scope] == 0) scopes_.remove(scope);
}

Result<std::uint32_t> Questions::open(const Digest& scope, std::string_view text) {
  if (text.size() > kMostBytes) return make_error("too-large", "The question is too long to be compared.", "text");
  if (free_.empty() && questions_.size() >= kMostQuestions) return make_error("too-many", "Too many questions are open.");
  auto number = static_cast<std::uint32_t>(questions_.size());
  if (free_.empty()) {
    questions_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  Question& question = questions_[number];
  question.scope = scope_of(scope);
  question.text = text;
  light_vector(text, question.light);
  return number;
}

void Questions::light_vector(std::string_view text, std::vector<float>& vector) {
  vector.resize(kLightDimensions);
  reading_.pieces.encode(text, {.most = kMostTokens, .special = false, .offsets = false});
  const auto& ids = reading_.pieces.ids();
  reading_.light.embed(ids.data(), ids.size(), vector.data());
}

// Those that were read before, else `made`.
const guard::Words& Questions::words_of(const Question& question, guard::Words& made) const {
  if (!question.words.words.empty()) return question.words;
  return made = guard::normalise(reading_.lexicon, question.text);
}

// The guard's comparison, and of what it leaves undecided those refused that differ in one word whose light vectors are
// not alike: no words around them tell more. A question word is no such word ("how long", "time").
guard::Comparison Questions::compare(const Question& stored, const Question& asked) {
  guard::Words made[2];
  guard::Comparison told = guard::compare(reading_.lexicon, stored.text, words_of(stored, made[0]), asked.text,
                                          words_of(asked, made[1]));
  if (told.verdict != guard::Verdict::kUndecided || told.signs[guard::kUnmatchedMost] > 1 ||
      told.signs[guard::kQuestionsOneSided] > 0)
    return told;
  std::string differ[2];
  for (const guard::Link& link : told.alignment) {
    if (link.relation != guard::Relation::kUnmatched && link.relation != guard::Relation::kSimilar) continue;
    const std::string_view parts[2] = {
        std::string_view(stored.text).substr(link.a.begin, link.a.end - link.a.begin),
        std::string_view(asked.text).substr(link.b.begin, link.b.end - link.b.begin)};
    for (std::size_t side = 0; side < 2; ++side) {
      if (!differ[side].empty() && !parts[side].empty()) differ[side] += ' ';
      differ[side] += parts[side];
    }
  }
  if (std::min(differ[0].size(), differ[1].size()) < kLeastDifferentBytes) return told;
  std::vector<float> vectors[2];
  for (std::size_t side = 0; side < 2; ++side) light_vector(differ[side], vectors[side]);
  if (dot(vectors[0], vectors[1]) >= kLeastAlike) return told;
  told.verdict = guard::Verdict::kRefused;
  told.rule = guard::Rule::kWording;
  told.reason = fill("\"{}\" and \"{}\" are not alike in meaning.", {differ[0], differ[1]});
  return told;
}

Result<std::uint32_t> Questions::restore(const Digest& scope, std::string_view text, std::string_view vectors,
                                         std::size_t turns) {
  const std::string_view left_out = turns == 0 ? std::string_view() : why_left_out(text, turns);
  if (!left_out.empty()) return make_error("left-out", left_out, "text");
  const auto damaged = [] { return make_error("invalid-data", "The stored vectors of a question are damaged.", "vectors"); };
  Question read;
  if (!vectors.empty()) {
    std::uint32_t count = 0;
    if (vectors.size() < sizeof count) return damaged();
    std::memcpy(&count, vectors.data(), sizeof count);
    const std::size_t each = sizeof(guard::ByteRange) + guard::kTokenDimensions;
    if (count > kMostTokens || vectors.size() != sizeof count + count * each + guard::kModelDimensions) return damaged();
    std::string_view rest = take_raw(vectors.substr(sizeof count), count, read.ranges);
    rest = take_raw(rest, count * guard::kTokenDimensions, read.tokens);
    take_raw(rest, guard::kModelDimensions, read.sentence);
    std::uint32_t from = 0;
    for (const guard::ByteRange& range : read.ranges) {
      if (range.begin < from || range.end < range.begin || range.end > text.size()) return damaged();
      from = range.begin;
    }
  }
  auto opened = open(scope, text);
  if (!opened) return opened;
  Question& question = questions_[opened.value()];
  question.ranges = std::move(read.ranges);
  question.tokens = std::move(read.tokens);
  question.sentence = std::move(read.sentence);
  return opened;
}

Result<std::string> Questions::ask(const Digest& scope, std::string_view text, std::size_t turns,
                                   guard::Policy policy) {
  const std::string_view left_out = why_left_out(text, turns);
  if (!left_out.empty()) return make_error("left-out", left_out, "text");
  auto opened = open(scope, text);
  if (!opened) return opened.take_error();
  const std::uint32_t number = opened.value();
  Question& question = questions_[number];
  embed::VectorIndex::Search search;
  search.partition = question.scope;
  search.k = kCandidates;
  search.min_score = kLeastLight;
  // A question without a single known word has no direction, and no candidates.
  const auto found = index_.search(question.light, search);
  const bool any = found && !found.value().empty();
  if (any) question.words = guard::normalise(reading_.lexicon, question.text);
  JsonWriter candidates;
  JsonWriter refused;
  candidates.open('[');
  refused.open('[');
  bool open_ones = false;
  const double least = kLeastLikely[static_cast<std::size_t>(policy)];
  for (std::size_t i = 0; any && i < found.value().size(); ++i) {
    const embed::VectorIndex::Hit& hit = found.value()[i];
    const std::uint32_t other = by_row_[hit.id];
    guard::Comparison told = compare(questions_[other], question);
    const double light = hit.score;
    if (told.verdict == guard::Verdict::kUndecided && reading_.judge.judge_light(told, light) < least) {
      told.verdict = guard::Verdict::kRefused;
      if (told.rule == guard::Rule::kNone) {
        told.rule = guard::Rule::kWording;
        told.reason = "Their words make it unlikely that they ask the same.";
      }
    }
    const bool is_refused = told.verdict == guard::Verdict::kRefused;
    JsonWriter& list = is_refused ? refused : candidates;
    list.open('{').number("question", other).number("light", light);
    if (is_refused)
      write_refusal(list, told);
    else
      list.flag("same", told.verdict == guard::Verdict::kSame);
    list.close('}');
    open_ones = open_ones || !is_refused;
  }
  std::string answer = "{";
  if (open_ones)
    answer += "\"question\":" + digits(number) + ",";
  else
    drop(number);
  answer += "\"candidates\":" + candidates.close(']').take();
  return answer + ",\"refused\":" + refused.close(']').take() + "}";
}

const std::vector<std::int32_t>& Questions::tokens(std::uint32_t number) {
  Question& question = questions_[number];
  reading_.pieces.encode(question.text, {.most = kMostTokens, .special = true, .offsets = true});
  const auto& offsets = reading_.pieces.offsets();
  question.ranges.clear();
  BytePlaces places(question.text);
  // Without [CLS] and [SEP].
  for (std::size_t i = 1; i + 1 < offsets.size(); ++i) {
    const std::uint32_t begin = places.of(offsets[i].begin);
    question.ranges.push_back({begin, places.of(offsets[i].end)});
  }
  return reading_.pieces.ids();
}

void Questions::set_vectors(std::uint32_t number, const float* vectors, std::size_t tokens) {
  Question& question = questions_[number];
  if (tokens != question.ranges.size() + 2) return;
  constexpr std::size_t kSize = guard::kModelDimensions;
  question.tokens.resize(question.ranges.size() * guard::kTokenDimensions);
  for (std::size_t i = 0; i < question.ranges.size(); ++i) {
    reading_.judge.project(vectors + (i + 1) * kSize, question.tokens.data() + i * guard::kTokenDimensions);
  }
  std::vector<float> sentence(kSize);
  embed::pool(vectors, tokens, kSize, sentence.data());
  float largest = 0;
  for (const float value : sentence) largest = std::max(largest, std::fabs(value));
  question.sentence.resize(kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    question.sentence[i] = static_cast<std::int8_t>(largest == 0 ? 0 : std::lround(sentence[i] / largest * 127));
  }
}

std::string Questions::vectors_of(std::uint32_t number) const {
  const Question& question = questions_[number];
  std::string out;
  if (question.sentence.empty()) return out;
  const auto count = static_cast<std::uint32_t>(question.ranges.size());
  out.append(reinterpret_cast<const char*>(&count), sizeof count);
  append_raw(out, question.ranges);
  append_raw(out, question.tokens);
  append_raw(out, question.sentence);
  return out;
}

std::string Questions::judge(std::uint32_t number, std::uint32_t candidate, guard::Policy policy, double least) {
  const Question& question = questions_[number];
  const Question& stored = questions_[candidate];
  const guard::Comparison words = compare(stored, question);
  const double light = dot(question.light, stored.light);
  const bool by_light = question.sentence.empty() || stored.sentence.empty();
  std::vector<guard::Doubt> doubts;
  double probability = 0;
  double between = light;
  if (by_light) {
    probability = reading_.judge.judge_light(words, light);
  } else {
    between = cosine(stored.sentence, question.sentence);
    const guard::TokenVectors a = {stored.tokens.data(), stored.ranges.data(), stored.ranges.size()};
    const guard::TokenVectors b = {question.tokens.data(), question.ranges.data(), question.ranges.size()};
    probability = reading_.judge.judge(words, a, b, between, light, &doubts);
  }
  if (least < 0) least = reading_.judge.threshold(policy, by_light);
  const bool same = policy != guard::Policy::kOff && words.verdict != guard::Verdict::kRefused && probability >= least;
  const std::string_view by = words.verdict != guard::Verdict::kUndecided ? "words" : by_light ? "light" : "minilm";
  JsonWriter out;
  out.open('{').flag("same", same).text("by", by).number("probability", probability).number("least", least);
  out.number("cosine", between);
  if (!same && words.rule != guard::Rule::kNone) write_refusal(out, words);
  const auto write_places = [&](const guard::ByteRange& a, const guard::ByteRange& b) -> JsonWriter& {
    return out.open('[').number(units(stored.text, a.begin)).number(units(stored.text, a.end))
        .number(units(question.text, b.begin)).number(units(question.text, b.end));
  };
  out.name("doubts").open('[');
  for (const guard::Doubt& doubt : doubts) write_places(doubt.a, doubt.b).close(']');
  out.close(']').name("alignment").open('[');
  for (const guard::Link& link : words.alignment)
    write_places(link.a, link.b).text(word_at(guard::kRelationNames, static_cast<std::size_t>(link.relation))).close(']');
  return out.close(']').close('}').take();
}

void Questions::keep(std::uint32_t number) {
  Question& question = questions_[number];
  if (question.row != kNone) return;
  auto row = index_.add(question.scope, question.light);
  // One without a direction is only ever asked as it is.
  if (!row) return;
  question.row = row.value();
  if (by_row_.size() <= question.row) by_row_.resize(question.row + 1);
  by_row_[question.row] = number;
  if (question.text.size() <= kReadOnceBytes) question.words = guard::normalise(reading_.lexicon, question.text);
}

void Questions::drop(std::uint32_t number) {
  Question& question = questions_[number];
  if (question.row != kNone) index_.remove(question.row);
  leave_scope(question.scope);
  question = Question();
  free_.push_back(number);
}

}  // namespace tierwise::cache
