#include "cache/guard/compare.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/words.h"
#include "cache/guard/signs.h"
#include "guard_files.h"

namespace tierwise::guard {
namespace {

std::string verdict(std::string_view a, std::string_view b) {
  const Comparison out = compare(lexicon(), a, b);
  if (out.verdict == Verdict::kSame) return "same";
  if (out.verdict == Verdict::kUndecided) return "undecided";
  EXPECT_FALSE(out.reason.empty());
  return std::string(word_at(kRuleNames, static_cast<std::size_t>(out.rule)));
}

TEST(Compare, VetoesByRule) {
  struct {
    std::string_view rule;
    std::string_view a;
    std::string_view b;
  } const cases[] = {
      {"number", "Give me 3 tips for sailing", "Give me 30 tips for sailing"},
      {"number", "Give me five tips for sailing", "Give me fifty tips for sailing"},
      {"date", "What is open on Monday?", "What is open on Sunday?"},
      {"date", "Wake me at 7 am", "Wake me at 7 pm"},
      {"date", "What happened on May 3?", "What happened on May 13?"},
      {"unit", "Is 5 mg of salt a lot?", "Is 5 kg of salt a lot?"},
      {"unit", "How many grams are in a cup?", "How many ounces are in a cup?"},
      {"negation", "Which plants need sun?", "Which plants do not need sun?"},
      {"negation", "How do I dive with a tank?", "How do I dive without a tank?"},
      {"negation", "Is the bridge stable?", "Is the bridge unstable?"},
      {"antonym", "How do I open the gate?", "How do I close the gate?"},
      {"antonym", "How do I zoom in?", "How do I zoom out?"},
      {"antonym", "Is the soup too hot?", "Is the soup too cold?"},
      {"name", "Who is Ada Lovelace?", "Who is Ada Byron?"},
      {"name", "what is the gdp of mongolia", "what is the gdp of myanmar"},
      {"order", "How do I get from Rome to Pisa?", "How do I get from Pisa to Rome?"},
      {"order", "Convert JSON to XML", "Convert XML to JSON"},
      {"order", "Do dogs chase cats?", "Do cats chase dogs?"},
      {"order", "Is gold heavier than lead?", "Is lead heavier than gold?"},
      {"scope", "Delete all messages", "Delete most messages"},
      {"scope", "Is it always open?", "Is it often open?"},
      {"modality", "Must I pay the toll?", "Can I pay the toll?"},
      {"task", "Translate the letter", "Shorten the letter"},
      {"format", "Explain tides in a table", "Explain tides in a poem"},
      {"antonym", "Explain tides briefly", "Explain tides in detail"},
      {"format", "Explain tides briefly", "Explain tides"},
      {"audience", "Explain tides to a child", "Explain tides to an engineer"},
      // One word differs, and nothing else: any rule decides.
      {"tense", "Who leads the party?", "Who led the party?"},
      {"question", "Why do geese migrate?", "When do geese migrate?"},
      {"question", "Why is ice slippery?", "Is ice slippery?"},
      {"language", "Sort a list in Ruby", "Sort a list in Perl"},
      {"person", "Write to my aunt", "Write to her aunt"},
      {"sentence", "My bike squeaks. I oiled it. What now?", "My bike squeaks. I washed it. What now?"},
      {"pasted-text", "Translate \"the red door\" into Welsh", "Translate \"the blue door\" into Welsh"},
      {"spoken-language", "What is the time in Berlin?", "Wie ist das Wetter in Berlin?"},
      {"unread", "Какая погода в Москве?", "Какая погода в Минске?"},
      {"negation", "Welche Beeren sind giftig?", "Welche Beeren sind nicht giftig?"},
      {"order", "Wie komme ich von Ulm nach Bonn?", "Wie komme ich von Bonn nach Ulm?"},
      {"modality", "Dois-je payer ?", "Puis-je payer ?"},
      {"negation", "¿Qué tiendas abren hoy?", "¿Qué tiendas no abren hoy?"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(verdict(c.a, c.b), c.rule) << c.a << " / " << c.b;
    EXPECT_EQ(verdict(c.b, c.a), c.rule) << c.b << " / " << c.a;
  }
}

TEST(Compare, TellsTheJudgeWhatSpeaksAgainst) {
  struct {
    std::string_view rule;
    std::string_view a;
    std::string_view b;
  } const cases[] = {
      {"tense", "Who won the cup?", "Who will win the cup?"},
      {"constraint", "Suggest a soup", "Suggest a soup with lentils and mint"},
      {"wording", "How do I tune a piano?", "How do penguins survive storms and hunger?"},
      // A word the rules veto by, where more was reworded.
      {"number", "What should I cook for 4 people?", "Ideas for a dinner party with eight guests"},
      {"negation", "Why does my printer not print?", "What keeps the old printer from working at all?"},
      {"antonym", "How do I open a savings account?", "Steps for closing my current bank contract"},
  };
  for (const auto& c : cases) {
    for (const auto& [a, b] : {std::pair(c.a, c.b), std::pair(c.b, c.a)}) {
      const Comparison out = compare(lexicon(), a, b);
      EXPECT_EQ(out.verdict, Verdict::kUndecided) << a << " / " << b;
      EXPECT_EQ(word_at(kRuleNames, static_cast<std::size_t>(out.rule)), c.rule) << a << " / " << b;
      EXPECT_EQ(out.signs[kRules + static_cast<std::size_t>(out.rule)], 1) << a;
      EXPECT_FALSE(out.reason.empty());
    }
  }
}

TEST(Compare, FindsTheSame) {
  const char* const cases[][2] = {
      {"How do I tune a piano?", "what are the steps to tune a piano"},
      {"How do I tune a piano?", "I want to tune a piano. How do I do that?"},
      {"Set a timer for 90 minutes", "Please set a timer for 1.5 hours."},
      {"How do I install a dishwasher?", "How do I install a dishwahser?"},
      {"What is your favourite colour?", "what's your favorite color"},
      {"In Go, how do I sort a slice?", "How do I sort a slice in Go?"},
      {"  Hello there  ", "Hello there"},
      {"Какая погода?", "Какая погода?"},
  };
  for (const auto& [a, b] : cases) {
    EXPECT_EQ(verdict(a, b), "same") << a << " / " << b;
    EXPECT_EQ(verdict(b, a), "same") << b << " / " << a;
  }
}

TEST(Compare, ShowsTheAlignment) {
  const std::string_view a = "How do I fix a red bike?";
  const std::string_view b = "How do I fix a red kayak?";
  const Comparison out = compare(lexicon(), a, b);
  bool same = false;
  int unmatched = 0;
  for (const Link& link : out.alignment) {
    if (a.substr(link.a.begin, link.a.end - link.a.begin) == "red") {
      EXPECT_EQ(b.substr(link.b.begin, link.b.end - link.b.begin), "red");
      EXPECT_EQ(link.relation, Relation::kSame);
      same = true;
    }
    unmatched += link.relation == Relation::kUnmatched ? 1 : 0;
  }
  EXPECT_TRUE(same);
  EXPECT_EQ(unmatched, 2);
}

TEST(Compare, IsSymmetric) {
  const char* const cases[][2] = {{"How can I mend a torn sail?", "What repairs a sail that tore?"},
                                  {"Recommend a thriller", "Suggest a good crime novel"}};
  for (const auto& [a, b] : cases) {
    const Comparison one = compare(lexicon(), a, b);
    const Comparison two = compare(lexicon(), b, a);
    EXPECT_EQ(one.verdict, two.verdict);
    for (std::size_t i = 0; i < kSignCount; ++i) EXPECT_NEAR(one.signs[i], two.signs[i], 1e-4) << i << ' ' << a;
  }
}

TEST(Compare, IsStricterAtItsBounds) {
  const std::string large(1'000'000, 'a');
  EXPECT_EQ(verdict(large, large), "same");
  EXPECT_EQ(verdict(large, large + 'b'), "unread");
  EXPECT_EQ(verdict("", ""), "same");
  EXPECT_EQ(verdict("", "a"), "wording");
  EXPECT_EQ(verdict("🎉", "🎉"), "same");
  EXPECT_EQ(verdict("🎉", "😭"), "wording");
  EXPECT_NE(verdict("\xff", "\xfe"), "same");
  const Lexicon none;
  EXPECT_EQ(compare(none, "a lamp ", "a lamp").verdict, Verdict::kSame);
  EXPECT_EQ(compare(none, "a lamp", "the lamp").verdict, Verdict::kRefused);
}

TEST(GuardLexicon, ListsAndSentencesStandInTheOrderOfText) {
  const auto first_word = [](Text text, std::size_t row = 0) { return word_at(lexicon().text(text, row), 0); };
  EXPECT_EQ(first_word(Text::kSmallNumbers), "zero");
  EXPECT_EQ(first_word(Text::kSmallNumbers, 3), "cero");
  EXPECT_EQ(first_word(Text::kTens), "twenty");
  EXPECT_EQ(first_word(Text::kScalesToo, 2), "cents");
  EXPECT_EQ(first_word(Text::kAnd, 1), "und");
  EXPECT_EQ(first_word(Text::kMonths, 3), "enero");
  EXPECT_EQ(lexicon().text(Text::kFirstOfQuestions, 3), "");
  EXPECT_EQ(first_word(Text::kOrdinals), "zeroth");
  EXPECT_EQ(first_word(Text::kUnits), "ms");
  EXPECT_EQ(first_word(Text::kPassive), "is");
  EXPECT_EQ(lexicon().text(Text::kPastedOne), "The quoted or pasted text differs at {}.");
  EXPECT_EQ(lexicon().text(Text::kAsksFor), "Only one of them asks for {}.");
}

TEST(Lexicon, RefusesDamage) {
  const std::string good = guard_file("words.bin");
  ASSERT_TRUE(Lexicon::read(good));
  for (const std::string& bad : {std::string(), good.substr(0, 3), good.substr(0, good.size() / 2), "<html>" + good, good + 'x'}) {
    const auto read = Lexicon::read(bad);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "invalid-file");
  }
  std::string flipped = good;
  flipped[good.size() / 3] ^= 1;
  EXPECT_FALSE(Lexicon::read(flipped));
}

}  // namespace
}  // namespace tierwise::guard
