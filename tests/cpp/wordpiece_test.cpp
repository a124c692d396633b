#include "embed/wordpiece.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "meaning.h"

namespace tierwise::embed {
namespace {

constexpr std::size_t kLines = 30522;

const std::string& vocabulary() {
  static const std::string kText = [] {
    std::ifstream file(TIERWISE_MODELS_DIR "/all-MiniLM-L6-v2/vocab.txt", std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }();
  return kText;
}

WordPiece& pieces() {
  static WordPiece kPieces = [] {
    WordPiece made;
    EXPECT_TRUE(made.load(vocabulary(), kLines));
    return made;
  }();
  return kPieces;
}

// "token:begin-end token:begin-end"
std::string shown(std::string_view text, const WordPiece::Request& request) {
  WordPiece& model = pieces();
  model.encode(text, request);
  std::string all;
  for (std::size_t i = 0; i < model.ids().size(); ++i) {
    const auto [begin, end] = model.offsets()[i];
    if (!all.empty()) all += ' ';
    all += std::string(model.token(model.ids()[i])) + ':' + std::to_string(begin) + '-' + std::to_string(end);
  }
  return all;
}

std::string shown(std::string_view text) { return shown(text, {1000, false, true}); }

std::string repeated(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

// What PyPI tokenizers 0.23.3 makes of them with the model's tokenizer.json.
TEST(WordPiece, EqualsTokenizers) {
  const struct {
    std::string text;
    std::string_view tokens;
  } cases[] = {
      {"", ""},
      {"   \t\n", ""},
      {"Hello, World!", "hello:0-5 ,:5-6 world:7-12 !:12-13"},
      {"unaffable UNAFFABLE", "una:0-3 ##ffa:3-6 ##ble:6-9 una:10-13 ##ffa:13-16 ##ble:16-19"},
      {"don't it's 3.14", "don:0-3 ':3-4 t:4-5 it:6-8 ':8-9 s:9-10 3:11-12 .:12-13 14:13-15"},
      {"na\u00efve \u00c5ngstr\u00f6m \u010ce\u0161tina", "naive:0-5 ang:6-9 ##strom:9-14 ce:15-17 ##sti:17-20 ##na:20-22"},
      {"\u0130stanbul \u1e9e", "istanbul:0-8 ß:9-10"},
      {"a\u0301\u0323b", "ab:0-4"},
      {std::string("x\0y\uFFFDz\u200Dw", 11), "x:0-1 ##y:2-3 ##z:4-5 ##w:6-7"},
      {"a\u00a0b\u2003c\u3000d\u2028e\u0085f", "a:0-1 b:2-3 c:4-5 d:6-7 e:8-9 ##f:10-11"},
      {"\u6771\u4eac\u30bf\u30ef\u30fc", "東:0-1 京:1-2 タ:2-3 ##ワ:3-4 ##ー:4-5"},
      {"\ud55c\uad6d", "ᄒ:0-1 ##ᅡ:0-1 ##ᆫ:0-1 ##ᄀ:1-2 ##ᅮ:1-2 ##ᆨ:1-2"},
      {"\U0001f600 \U0001f468\u200d\U0001f469", "[UNK]:0-2 [UNK]:3-8"},
      {"a\U0001f600b", "[UNK]:0-4"},
      {"[CLS] [MASK]x[SEP][cls]", "[CLS]:0-5 [MASK]:6-12 x:12-13 [SEP]:13-18 [:18-19 cl:19-21 ##s:21-22 ]:22-23"},
      {"[[UNK]]", "[:0-1 [UNK]:1-6 ]:6-7"},
      {"\u2260 \u037e \u00bf", "=:0-1 ;:2-3 ¿:4-5"},
      {"##ing # #", "#:0-1 #:1-2 ing:2-5 #:6-7 #:8-9"},
      {"\uac01", "ᄀ:0-1 ##ᅡ:0-1 ##ᆨ:0-1"},
      {"\uf900", "[UNK]:0-1"},
      {"\U0001d15e\u0301", "[UNK]:0-2"},
      {"\u0622\u0653", "ا:0-1"},
      {"e\u0301[PAD]\u0301f", "e:0-1 [PAD]:2-7 f:8-9"},
      {"1,000,000 km\u00b2", "1:0-1 ,:1-2 000:2-5 ,:5-6 000:6-9 km²:10-13"},
      {"\ufb01sh \uff21", "ﬁ:0-1 ##sh:1-3 [UNK]:4-5"},
      {"\u0f73a", "a:1-2"},
      {"\u302e\u302ea", "[UNK]:0-3"},
  };
  for (const auto& [text, tokens] : cases) EXPECT_EQ(shown(text), tokens) << text;
}

TEST(WordPiece, WordsAreAtMostAHundredCharacters) {
  const struct {
    std::string_view letter;
    std::size_t times;
    bool known;
  } cases[] = {{"z", 100, true}, {"z", 101, false}, {"é", 100, true}, {"é", 101, false}, {"e\u0301", 100, true},
               {"z", 108, false}, {"z", 10'000, false}, {"각", 33, true}, {"각", 34, false}, {"z\u200d", 100, true}};
  for (const auto& [letter, times, known] : cases) {
    const std::string text = repeated(letter, times);
    EXPECT_EQ(shown(text).find("[UNK]") == std::string::npos, known) << letter << times;
    EXPECT_EQ(shown("a " + text + " b").substr(0, 6), "a:0-1 ");
  }
  EXPECT_EQ(shown(repeated("é", 101)), "[UNK]:0-101");
}

TEST(WordPiece, Cuts) {
  const struct {
    std::string_view text;
    WordPiece::Request request;
    std::string_view tokens;
    bool cut;
  } cases[] = {
      {"one two three", {5, true, true}, "[CLS]:0-0 one:0-3 two:4-7 three:8-13 [SEP]:0-0", false},
      {"one two three", {4, true, true}, "[CLS]:0-0 one:0-3 two:4-7 [SEP]:0-0", true},
      {"one two three ", {3, false, true}, "one:0-3 two:4-7 three:8-13", false},
      {"unaffable", {2, false, true}, "una:0-3 ##ffa:3-6", true},
      {"one", {2, true, true}, "[CLS]:0-0 [SEP]:0-0", true},
      {"one", {0, true, true}, "[CLS]:0-0 [SEP]:0-0", true},
      {"one", {0, false, true}, "", true},
      {" \u0301", {0, false, true}, "", false},
      {"", {2, true, true}, "[CLS]:0-0 [SEP]:0-0", false},
      {"a[MASK]", {1, false, true}, "a:0-1", true},
  };
  for (const auto& [text, request, tokens, cut] : cases) {
    EXPECT_EQ(shown(text, request), tokens) << text << request.most;
    EXPECT_EQ(pieces().encode(text, request), cut) << text << request.most;
  }
}

// The way back over marks met stray bytes, and the same marks again and again.
TEST(WordPiece, StrayBytesAmongMarks) {
  EXPECT_EQ(shown("é\xA9〮"), "[UNK]:0-3");
  EXPECT_EQ(shown("́\xA9\xA9\xA9〮́"), "[UNK]:1-2");
}

// Time is bounded: what is quadratic would not end here.
TEST(WordPiece, GiantTexts) {
  const std::string texts[] = {
      repeated("a", 1 << 20),       repeated(" ", 1 << 20),       repeated("\u0301", 1 << 19), repeated("\u302e", 1 << 18),
      repeated("\u0301\u302e", 1 << 18), repeated("[CLS", 1 << 18), repeated("\u200d\u302e", 1 << 17), "a" + repeated("\u200d", 1 << 18) + "\u302e",
      repeated("zqzqzqzqzqzq ", 1 << 12)};
  for (const std::string& text : texts) {
    pieces().encode(text, {256, true, true});
    EXPECT_LE(pieces().ids().size(), 256u);
    pieces().encode(text, {1 << 20, true, true});
  }
}

TEST(WordPiece, AnyBytes) {
  for (int first = 0; first < 256; ++first) {
    for (const std::string_view rest : {"", "a", "\x80", "\xFF\xFF\xFF", "\x80\x80\x80\x80"}) {
      const std::string text = std::string(1, static_cast<char>(first)) + std::string(rest);
      pieces().encode(text, {16, true, true});
      for (const auto [begin, end] : pieces().offsets()) EXPECT_LE(begin, end);
    }
  }
}

TEST(WordPiece, RefusesBrokenVocabularies) {
  const struct {
    std::string text;
    std::size_t expected;
    std::string_view why;
  } cases[] = {
      {"", 0, "some of it is missing"},
      {"[UNK]\n[CLS]\n[SEP]", 0, "some of it is missing"},
      {"[UNK]\n[CLS]\n", 0, "it has no [SEP]"},
      {"<html>\n</html>\n", 0, "it has no [UNK]"},
      {"x\n", 0, "it has no [UNK]"},
      {vocabulary().substr(0, 100'000), kLines, "some of it is missing"},
      {vocabulary().substr(0, vocabulary().find("\nhello\n") + 1), kLines, "lines, not 30522"},
      {repeated("a\n", WordPiece::kMostVocabulary + 1), 0, "too many lines"},
      {std::string(WordPiece::kMostVocabularyBytes + 1, '\n'), 0, "too large"},
  };
  for (const auto& [text, expected, why] : cases) {
    WordPiece model;
    const auto loaded = model.load(text, expected);
    ASSERT_FALSE(loaded) << why;
    EXPECT_EQ(loaded.error().code, "invalid-vocabulary");
    EXPECT_EQ(loaded.error().field, "vocabulary");
    EXPECT_NE(loaded.error().message.find(why), std::string::npos) << loaded.error().message;
    EXPECT_EQ(model.vocabulary_size(), 0u);
  }
}

TEST(WordPiece, ReplacesTheVocabulary) {
  WordPiece model;
  ASSERT_TRUE(model.load(vocabulary(), kLines));
  EXPECT_EQ(model.vocabulary_size(), kLines);
  ASSERT_TRUE(model.load("[UNK]\n[CLS]\n[SEP]\nab\n##c\n"));
  EXPECT_FALSE(model.encode("abc hello [MASK]", {16, true, false}));
  EXPECT_EQ(model.ids(), (std::vector<std::int32_t>{1, 3, 4, 0, 0, 0, 0, 2}));
}

TEST(Meaning, NamesTheTokens) {
  Meaning meaning;
  ASSERT_TRUE(meaning.load_vocabulary("[UNK]\n[CLS]\n[SEP]\nab\n##c\n", 5));
  meaning.pieces().encode("abc", {16, true, false});
  EXPECT_EQ(meaning.token_texts(), "[CLS]\nab\n##c\n[SEP]");
  EXPECT_FALSE(meaning.load_vocabulary("[UNK]\n", 5));
}

}  // namespace
}  // namespace tierwise::embed
