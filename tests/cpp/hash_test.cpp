// SHA-256 against NIST's examples and against hashlib of Python 3.11, whatever the length and however it is fed.
#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace tierwise {
namespace {

TEST(Sha256, NistExamples) {
  struct {
    std::string text;
    const char* hex;
  } const cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1'000'000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& c : cases) EXPECT_EQ(to_hex(sha256(c.text)), c.hex) << c.text.size() << " bytes";
}

std::string pattern(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i * 31 + 7);
  return text;
}

// H(H(p[:0]) H(p[:1]) ... H(p[:999])): every length around one, four and eight blocks.
TEST(Sha256, EveryLengthUpTo1000AsPythonHasIt) {
  const std::string text = pattern(1000);
  std::string digests;
  for (std::size_t size = 0; size < 1000; ++size) digests += as_text(sha256(std::string_view(text).substr(0, size)));
  EXPECT_EQ(to_hex(sha256(digests)), "dfaf6af8dd215b143c3241a15a850f5a1b6b4fbab7994660668f66bc2c029013");
}

TEST(Sha256, PiecesGiveTheSameAsTheWhole) {
  const std::string text = pattern(700);
  for (std::size_t first = 0; first <= 700; first += 7) {
    for (std::size_t step : {1U, 63U, 64U, 65U, 257U}) {
      Sha256 hash;
      hash.update(std::string_view(text).substr(0, first));
      for (std::size_t at = first; at < text.size(); at += step) hash.update(std::string_view(text).substr(at, step));
      ASSERT_EQ(hash.finish(), sha256(text)) << first << " + " << step;
    }
  }
}

TEST(Sha256, GoesOnFromAMidstate) {
  const std::string text = pattern(500);
  Sha256 beginning;
  beginning.update(std::string_view(text).substr(0, 128));
  for (std::size_t size = 128; size <= 500; size += 31) {
    Sha256 rest(beginning.midstate());
    rest.update(std::string_view(text).substr(128, size - 128));
    EXPECT_EQ(rest.finish(), sha256(std::string_view(text).substr(0, size)));
  }
}

TEST(Hex, ReadsOnlyWhatItWrites) {
  const Digest digest = sha256("abc");
  const std::string hex = to_hex(digest);
  EXPECT_EQ(digest_from_hex(hex), digest);
  std::string upper = hex;
  upper[0] = 'B';
  for (const std::string& bad : {std::string(), hex.substr(1), hex + "0", upper, std::string(63, '0') + "g",
                                 std::string(63, '0') + '\0', std::string(64, ' ')}) {
    EXPECT_FALSE(digest_from_hex(bad)) << bad;
  }
}

}  // namespace
}  // namespace tierwise
