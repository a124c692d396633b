// The boundary between meaning.wasm and JavaScript, built as that of the core is (bindings.cpp): Embind functions of
// numbers, the first of which is what `open()` answered. How text goes in and answers come out: boundary.h. Arrays stay
// where they are: functions answer their address, which holds until the next call that makes another, and their length.
// A vector index and a set of questions cross as their address, beside the one that carries their input.
#include <emscripten/bind.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "boundary.h"
#include "embed/vector_index.h"
#include "embed/vector_snapshot.h"
#include "meaning.h"

namespace {

namespace embed = tierwise::embed;
using embed::VectorIndex;
using tierwise::address;
using tierwise::at;
using tierwise::cache::Questions;
using tierwise::Error;
using tierwise::Meaning;
using tierwise::Result;

std::uint32_t whole(double number) { return static_cast<std::uint32_t>(number); }

class BoundMeaning {
 public:
  double input(double bytes) { return boundary_.input(bytes); }
  double output() const { return boundary_.output(); }

  // The answer is the version of the package this was built for.
  double version() { return boundary_.answer(std::string(TIERWISE_VERSION)); }

  // The answer is empty.
  double load_vocabulary(double n, double expected) {
    return boundary_.answer(meaning_.load_vocabulary(boundary_.text(n), static_cast<std::size_t>(expected)));
  }
  // How many tokens the text has, at most `most` with the special ones; negative when it was cut.
  double encode(double n, double most, double special, double offsets) {
    tierwise::embed::WordPiece::Request request;
    request.most = static_cast<std::size_t>(most);
    request.special = special != 0;
    request.offsets = offsets != 0;
    const bool cut = meaning_.pieces().encode(boundary_.text(n), request);
    const auto tokens = static_cast<double>(meaning_.pieces().ids().size());
    return cut ? -tokens : tokens;
  }
  // 32 bits each.
  double ids() { return address(meaning_.pieces().ids().data()); }
  // Two of 32 bits for each token.
  double offsets() { return address(meaning_.pieces().offsets().data()); }
  // The answer is the tokens as they stand in the vocabulary, one a line.
  double token_texts() { return boundary_.answer(meaning_.token_texts()); }

  // The answer is empty.
  double load_light(double n) { return boundary_.answer(meaning_.load_light(boundary_.text(n))); }
  // Of 32-bit floats, as many as the table has dimensions: of the last text.
  double light_vector() { return address(meaning_.light_vector().data()); }
  // Room for as many 32-bit floats.
  double room(double floats) { return address(meaning_.room(static_cast<std::size_t>(floats))); }
  // `tokens` rows of the room, from row `first` on, which must be there.
  double pool(double first, double tokens, double dimensions) {
    return address(meaning_.pool(static_cast<std::size_t>(first), static_cast<std::size_t>(tokens),
                                 static_cast<std::size_t>(dimensions)));
  }

  // The answer is empty.
  double load_words(double n) { return boundary_.answer(meaning_.load_words(boundary_.text(n))); }
  double load_judge(double n) { return boundary_.answer(meaning_.load_judge(boundary_.text(n))); }

  // Questions (cache/questions.h), which cross as their address. The input is the scope, 64 hexadecimal digits, the
  // text, and `vectors` bytes of what was kept of it; the result is its number, or the length of an error.
  double restore(double questions, double n, double vectors, double turns) {
    const std::string_view given = boundary_.text(n);
    const auto kept = static_cast<std::size_t>(vectors);
    const auto scope = scope_of(given);
    if (!scope || given.size() - kDigits < kept) return boundary_.refuse(bad_scope());
    const std::string_view question = given.substr(kDigits, given.size() - kDigits - kept);
    auto opened = at<Questions>(questions).restore(*scope, question, given.substr(given.size() - kept),
                                                   static_cast<std::size_t>(turns));
    return opened ? opened.value() : boundary_.refuse(opened.error());
  }
  // The input is the scope and the text.
  double ask(double questions, double n, double turns, double policy) {
    const std::string_view given = boundary_.text(n);
    const auto scope = scope_of(given);
    if (!scope) return boundary_.refuse(bad_scope());
    auto answer = at<Questions>(questions).ask(*scope, given.substr(kDigits), static_cast<std::size_t>(turns),
                                               policy_of(policy));
    return boundary_.answer(std::move(answer));
  }
  // How many tokens the transformer is to be given; they are `ids`.
  double question_tokens(double questions, double question) {
    return static_cast<double>(at<Questions>(questions).tokens(whole(question)).size());
  }
  // The room holds their vectors.
  void set_vectors(double questions, double question, double tokens) {
    at<Questions>(questions).set_vectors(whole(question), meaning_.given(), static_cast<std::size_t>(tokens));
  }
  double vectors_of(double questions, double question) {
    return boundary_.answer(at<Questions>(questions).vectors_of(whole(question)));
  }
  double judge(double questions, double question, double candidate, double policy, double least) {
    return boundary_.answer(
        at<Questions>(questions).judge(whole(question), whole(candidate), policy_of(policy), least));
  }
  double open_questions() { return address(new Questions(meaning_.reading())); }

  // Vector indexes, which stand on their own: what is here only carries what goes in and comes out. The input is
  // `count` vectors, then their partitions, then their tags; the answer is their ids, 32 bits each. All are added, or
  // none.
  double add_vectors(double index, double count) {
    auto& vectors = at<VectorIndex>(index);
    const auto rows = static_cast<std::size_t>(count);
    const std::size_t dimensions = vectors.dimensions();
    const float* numbers = boundary_.floats(rows * dimensions).data();
    const auto* partitions = reinterpret_cast<const std::uint32_t*>(numbers + rows * dimensions);
    const std::uint32_t* tags = partitions + rows;
    std::string ids(rows * sizeof(std::uint32_t), '\0');
    auto* added = reinterpret_cast<std::uint32_t*>(ids.data());
    for (std::size_t i = 0; i < rows; ++i) {
      auto id = vectors.add(partitions[i], {numbers + i * dimensions, dimensions}, tags[i]);
      if (!id) {
        for (std::size_t k = i; k-- > 0;) vectors.remove(added[k]);
        // With the number of what was refused.
        return boundary_.refuse(id.error(), static_cast<double>(i));
      }
      added[i] = id.value();
    }
    return boundary_.answer(std::move(ids));
  }
  // The vector is the input. Tags below 0 stay as they are.
  double update_vector(double index, double id, double tags) {
    auto& vectors = at<VectorIndex>(index);
    std::optional<std::uint32_t> new_tags;
    if (tags >= 0) new_tags = static_cast<std::uint32_t>(tags);
    return done(vectors.update(whole(id), boundary_.floats(vectors.dimensions()), new_tags));
  }
  // The answer is ids and scores by turns, 32 bits each.
  double search_vectors(double index, double partition, double k, double min_score, double tags) {
    const auto& vectors = at<VectorIndex>(index);
    VectorIndex::Search search;
    search.partition = static_cast<std::uint32_t>(partition);
    search.k = static_cast<std::size_t>(k);
    search.min_score = static_cast<float>(min_score);
    search.tags = static_cast<std::uint32_t>(tags);
    const auto hits = vectors.search(boundary_.floats(vectors.dimensions()), search);
    if (!hits) return boundary_.refuse(hits.error());
    const std::size_t bytes = hits.value().size() * sizeof(VectorIndex::Hit);
    return boundary_.answer(std::string(reinterpret_cast<const char*>(hits.value().data()), bytes));
  }
  // The answer of begin_save is how many bytes there are; of save, the next ones, 256 KB at most.
  double begin_save(double index) {
    writer_ = std::make_unique<embed::VectorSnapshotWriter>(at<VectorIndex>(index));
    return static_cast<double>(writer_->bytes());
  }
  double save() {
    std::string piece(kPieceBytes, '\0');
    piece.resize(writer_->write(piece));
    if (piece.empty()) writer_ = nullptr;
    return boundary_.answer(std::move(piece));
  }
  void begin_load(double index) {
    reader_ = std::make_unique<embed::VectorSnapshotReader>(at<VectorIndex>(index).dimensions());
  }
  // The next piece is the input.
  double load(double n) { return done(reader_->read(boundary_.text(n))); }
  double end_load(double index) {
    auto read = reader_->finish(at<VectorIndex>(index));
    reader_ = nullptr;
    return done(std::move(read));
  }
  // The answer is the XXH64 of the input, eight bytes.
  double checksum(double n) {
    tierwise::Checksum sum;
    sum.update(boundary_.text(n));
    const std::uint64_t value = sum.value();
    return boundary_.answer(std::string(reinterpret_cast<const char*>(&value), sizeof value));
  }

 private:
  // Of a scope.
  static constexpr std::size_t kDigits = 64;
  static std::optional<tierwise::Digest> scope_of(std::string_view given) {
    return tierwise::digest_from_hex(given.substr(0, kDigits));
  }
  static tierwise::guard::Policy policy_of(double number) {
    return static_cast<tierwise::guard::Policy>(static_cast<int>(number));
  }
  static Error bad_scope() { return {"invalid-input", "A scope is 64 hexadecimal digits.", "scope"}; }
  // Less than the boundary keeps room for.
  static constexpr std::size_t kPieceBytes = 1 << 18;

  double done(Result<tierwise::Done> result) { return result ? 0 : boundary_.refuse(result.error()); }

  Meaning meaning_;
  tierwise::Boundary boundary_;
  std::unique_ptr<embed::VectorSnapshotWriter> writer_;
  std::unique_ptr<embed::VectorSnapshotReader> reader_;
};

void close_questions(double questions) { delete &at<Questions>(questions); }
void keep_question(double questions, double question) { at<Questions>(questions).keep(whole(question)); }
double has_vectors(double questions, double question) { return at<Questions>(questions).has_vectors(whole(question)); }
void drop_question(double questions, double question) { at<Questions>(questions).drop(whole(question)); }

double open() { return address(new BoundMeaning); }
void close(double meaning) { delete &at<BoundMeaning>(meaning); }
double open_index(double dimensions) { return address(new VectorIndex(static_cast<std::size_t>(dimensions))); }
void close_index(double index) { delete &at<VectorIndex>(index); }
double remove_vector(double index, double id) { return at<VectorIndex>(index).remove(whole(id)); }
double index_bytes(double index) { return static_cast<double>(at<VectorIndex>(index).bytes()); }
double index_size(double index) { return static_cast<double>(at<VectorIndex>(index).size()); }

// A method of BoundMeaning as a function.
template <auto kMethod, typename... Arguments>
auto call(double meaning, Arguments... arguments) {
  return (at<BoundMeaning>(meaning).*kMethod)(arguments...);
}

}  // namespace

EMSCRIPTEN_BINDINGS(meaning) {
  using emscripten::function;
  function("open", &open);
  function("close", &close);
  function("version", &call<&BoundMeaning::version>);
  function("input", &call<&BoundMeaning::input, double>);
  function("output", &call<&BoundMeaning::output>);
  function("loadVocabulary", &call<&BoundMeaning::load_vocabulary, double, double>);
  function("encode", &call<&BoundMeaning::encode, double, double, double, double>);
  function("ids", &call<&BoundMeaning::ids>);
  function("offsets", &call<&BoundMeaning::offsets>);
  function("tokenTexts", &call<&BoundMeaning::token_texts>);
  function("loadLight", &call<&BoundMeaning::load_light, double>);
  function("lightVector", &call<&BoundMeaning::light_vector>);
  function("room", &call<&BoundMeaning::room, double>);
  function("pool", &call<&BoundMeaning::pool, double, double, double>);
  function("loadWords", &call<&BoundMeaning::load_words, double>);
  function("loadJudge", &call<&BoundMeaning::load_judge, double>);
  function("openQuestions", &call<&BoundMeaning::open_questions>);
  function("closeQuestions", &close_questions);
  function("restore", &call<&BoundMeaning::restore, double, double, double, double>);
  function("ask", &call<&BoundMeaning::ask, double, double, double, double>);
  function("questionTokens", &call<&BoundMeaning::question_tokens, double, double>);
  function("setVectors", &call<&BoundMeaning::set_vectors, double, double, double>);
  function("hasVectors", &has_vectors);
  function("vectorsOf", &call<&BoundMeaning::vectors_of, double, double>);
  function("judge", &call<&BoundMeaning::judge, double, double, double, double, double>);
  function("keepQuestion", &keep_question);
  function("dropQuestion", &drop_question);

  function("openIndex", &open_index);
  function("closeIndex", &close_index);
  function("removeVector", &remove_vector);
  function("indexBytes", &index_bytes);
  function("indexSize", &index_size);
  function("addVectors", &call<&BoundMeaning::add_vectors, double, double>);
  function("updateVector", &call<&BoundMeaning::update_vector, double, double, double>);
  function("searchVectors", &call<&BoundMeaning::search_vectors, double, double, double, double, double>);
  function("beginSave", &call<&BoundMeaning::begin_save, double>);
  function("save", &call<&BoundMeaning::save>);
  function("beginLoad", &call<&BoundMeaning::begin_load, double>);
  function("load", &call<&BoundMeaning::load, double>);
  function("endLoad", &call<&BoundMeaning::end_load, double>);
  function("checksum", &call<&BoundMeaning::checksum, double>);
}
