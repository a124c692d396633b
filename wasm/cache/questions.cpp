#include "cache/questions.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/json_writer.h"
#include "base/words.h"
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

void write_range(JsonWriter& out, const guard::ByteRange& range) {
  out.open('[').number(range.begin).number(range.end).close(']');
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
  question.live = true;
  question.scope = scope_of(scope);
  question.text = text;
  question.light.resize(kLightDimensions);
  reading_.pieces.encode(text, {.most = kMostTokens, .special = false, .offsets = false});
  const auto& ids = reading_.pieces.ids();
  reading_.light.embed(ids.data(), ids.size(), question.light.data());
  return number;
}

Result<std::uint32_t> Questions::restore(const Digest& scope, std::string_view text, std::string_view vectors) {
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

std::string Questions::candidates(std::uint32_t number) {
  const Question& question = questions_[number];
  embed::VectorIndex::Search search;
  search.partition = question.scope;
  search.k = kCandidates;
  search.min_score = kLeastLight;
  JsonWriter out;
  out.open('{').name("candidates").open('[');
  JsonWriter refused;
  refused.open('[');
  // A question without a single word has no direction.
  const auto found = index_.search(question.light, search);
  if (found) {
    for (const embed::VectorIndex::Hit& hit : found.value()) {
      const std::uint32_t other = by_row_[hit.id];
      const guard::Comparison words = guard::compare(reading_.lexicon, questions_[other].text, question.text);
      const bool is_refused = words.verdict == guard::Verdict::kRefused;
      JsonWriter& list = is_refused ? refused : out;
      list.open('{').number("question", other).number("light", static_cast<double>(hit.score));
      if (is_refused) {
        list.text("rule", word_at(guard::kRuleNames, static_cast<std::size_t>(words.rule))).text("reason", words.reason);
      } else {
        list.flag("same", words.verdict == guard::Verdict::kSame);
      }
      list.close('}');
    }
  }
  return out.close(']').take() + ",\"refused\":" + refused.close(']').take() + "}";
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
  for (const float number_of : sentence) largest = std::max(largest, std::fabs(number_of));
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

double Questions::cosine(const Question& a, const Question& b) const {
  double sum = 0;
  double of_a = 0;
  double of_b = 0;
  for (std::size_t i = 0; i < a.sentence.size(); ++i) {
    sum += a.sentence[i] * b.sentence[i];
    of_a += a.sentence[i] * a.sentence[i];
    of_b += b.sentence[i] * b.sentence[i];
  }
  return of_a == 0 || of_b == 0 ? 0 : sum / std::sqrt(of_a * of_b);
}

std::string Questions::judge(std::uint32_t number, std::uint32_t candidate, guard::Policy policy, double least) const {
  const Question& question = questions_[number];
  const Question& stored = questions_[candidate];
  const guard::Comparison words = guard::compare(reading_.lexicon, stored.text, question.text);
  double light = 0;
  for (std::size_t i = 0; i < kLightDimensions; ++i) light += static_cast<double>(question.light[i]) * stored.light[i];
  const bool by_light = question.sentence.empty() || stored.sentence.empty();
  std::vector<guard::Doubt> doubts;
  double probability = 0;
  double between = light;
  if (by_light) {
    probability = reading_.judge.judge_light(words, light);
  } else {
    between = cosine(stored, question);
    const guard::TokenVectors a = {stored.tokens.data(), stored.ranges.data(), stored.ranges.size()};
    const guard::TokenVectors b = {question.tokens.data(), question.ranges.data(), question.ranges.size()};
    probability = reading_.judge.judge(words, a, b, between, &doubts);
  }
  if (least < 0) least = reading_.judge.threshold(policy, by_light);
  const bool same = policy != guard::Policy::kOff && words.verdict != guard::Verdict::kRefused && probability >= least;
  JsonWriter out;
  out.open('{').flag("same", same).number("probability", probability).number("least", least).number("light", light);
  if (!by_light) out.number("cosine", between);
  if (words.verdict == guard::Verdict::kRefused) {
    out.text("rule", word_at(guard::kRuleNames, static_cast<std::size_t>(words.rule))).text("reason", words.reason);
  }
  out.name("doubts").open('[');
  for (const guard::Doubt& doubt : doubts) {
    out.open('[');
    write_range(out, doubt.a);
    write_range(out, doubt.b);
    out.close(']');
  }
  out.close(']').name("alignment").open('[');
  for (const guard::Link& link : words.alignment) {
    out.open('[');
    write_range(out, link.a);
    write_range(out, link.b);
    out.text(word_at(guard::kRelationNames, static_cast<std::size_t>(link.relation))).close(']');
  }
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
}

void Questions::drop(std::uint32_t number) {
  Question& question = questions_[number];
  if (question.row != kNone) index_.remove(question.row);
  leave_scope(question.scope);
  question = Question();
  free_.push_back(number);
}

std::size_t Questions::bytes() const {
  std::size_t sum = index_.bytes() + questions_.capacity() * sizeof(Question);
  for (const Question& question : questions_) {
    sum += question.text.capacity() + question.light.capacity() * sizeof(float) + question.tokens.capacity() +
           question.ranges.capacity() * sizeof(guard::ByteRange) + question.sentence.capacity();
  }
  return sum;
}

}  // namespace tierwise::cache
