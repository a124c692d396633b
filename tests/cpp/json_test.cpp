#include "base/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/json_writer.h"

namespace tierwise {
namespace {

using namespace std::string_literals;

// What nlohmann/json's own parser says. It takes a NUL for the end of the text; no text here holds one.
// nlohmann::json sorts members by name and keeps the last of the same name, so that order and repetition do not count.
using library = nlohmann::json;

void expect_as_library(const std::string& text) {
  const auto ours = parse_json(text);
  const library theirs = library::parse(text, nullptr, false);
  ASSERT_EQ(bool(ours), !theirs.is_discarded()) << testing::PrintToString(text);
  if (ours) {
    ASSERT_EQ(library::parse(ours.value().dump()), theirs) << testing::PrintToString(text);
  }
}

TEST(Json, ReadsWhatTheLibraryReads) {
  for (const char* text :
       {"", " ", "null", "nul", "nulll", "true", "false", "True", "\"\"", "\"a\"", "\"", "\"a", "{}", "[]", " [ ] ", "{ }",
        "[1,2,3]", "[1,2,]", "[,1]", "[1 2]", "[1", "[", "]", "{\"a\":1}", "{\"a\":1,}", "{\"a\" : 1 , \"b\":[{}]}",
        "{\"a\"}", "{a:1}", "{\"a\":}", "{\"a\":1 \"b\":2}", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1},\"a\":null}", "{", "}",
        "[}", "{]", "1 2", "[] []", "0", "-0", "00", "01", "-01", "-", "+1", ".5", "1.", "1.5", "-1.5e3", "1e5", "1E+5",
        "1e-5", "1e", "1e+", "1.e5", "0x10", "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "9007199254740993",
        "999999999999999999", "-999999999999999999", "123456789012345678901234567890", "\"\\n\\t\\\\\\/\\\"\\b\\f\\r\"",
        "\"\\x\"", "\"\\u0041\"", "\"\\u00e9\"", "\"\\u20ac\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"",
        "\"\\ud83dx\"", "\"\\ud83d\\u0041\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\uABCD\"", "\"a\nb\"", "\"a\tb\"", "\"\x7f\"",
        "\"\xc3\xa9\"", "\"\xc3\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\x80\"", "\xef\xbb\xbf[1]", "\xef\xbb[1]",
        "// comment\n1", "[1] // end", "'a'", "\"\\"}) {
    expect_as_library(text);
  }
  EXPECT_FALSE(parse_json("[1]\0"s));
}

TEST(Json, OfMembersWithTheSameNameTheLastCounts) {
  const auto object = parse_json(R"({"a":1,"b":2,"a":{"c":3},"a":4})");
  ASSERT_TRUE(object);
  EXPECT_EQ(optional_number(object.value(), "a"), 4);
  EXPECT_EQ(optional_number(object.value(), "b"), 2);
  // In the first one's place, and once.
  EXPECT_EQ(object.value().dump(), R"({"a":4,"b":2})");
  EXPECT_EQ(parse_json(R"({"a":[1,2],"a":[]})").value().dump(), R"({"a":[]})");
}

TEST(Json, OfMembersWithTheSameNameFarBehindTheReadersTakeTheLast) {
  std::string text = "{";
  for (int i = 0; i < 40; ++i) text += "\"" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  const auto object = parse_json(text + R"("39":"last","3":"merged","x":1,"x":null})");
  ASSERT_TRUE(object);
  EXPECT_EQ(string_or_empty(object.value(), "39"), "last");
  EXPECT_EQ(string_or_empty(object.value(), "3"), "merged");
  EXPECT_EQ(find_member(object.value(), "x"), nullptr);
  EXPECT_EQ(members_of(object.value()).size(), 43U);
}

TEST(Json, HoldsAMillionValuesAndNoMore) {
  const auto list = [](std::size_t values) {
    std::string text = "[0";
    for (std::size_t i = 2; i < values; ++i) text += ",0";
    return text + "]";
  };
  EXPECT_TRUE(parse_json(list(kMaxJsonValues)));
  const auto large = parse_json(list(kMaxJsonValues + 1));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, "too-large");
  EXPECT_EQ(large.error().message, "The JSON text holds more than 1000000 values.");
  std::string objects = "{\"a\":0";
  for (std::size_t i = 0; i < kMaxJsonValues; ++i) objects += ",\"a\":0";
  EXPECT_EQ(parse_json(objects).error().code, "too-large");
}

TEST(Json, ScalarsAsText) {
  EXPECT_EQ(scalar_text(json(true)) + scalar_text(json(false)) + scalar_text(json(nullptr)), "truefalsenull");
  EXPECT_EQ(scalar_text(json(-7)) + scalar_text(json(7U)) + scalar_text(json(2.5)), "-772.5");
}

// Cuts and changes of one byte: nothing crashes, and both parsers agree.
TEST(Json, AgreesWithTheLibraryOnBrokenText) {
  const std::string whole = R"({"id":"c-1","n":[0,-1,2.5e-3,1e21,true,null],"é\u00e9\ud83d\ude00":{"":[],"x":{}},"t":"a\\\"b"})";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) expect_as_library(whole.substr(0, cut));
  std::mt19937 random(7);
  const std::string bytes = "{}[]\",:\\u0159eE+-. tfn\x80\xc3\xff\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (int change = static_cast<int>(random() % 3); change >= 0; --change) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) text[at] = bytes[random() % bytes.size()];
      else text.erase(at, 1 + random() % 3);
    }
    expect_as_library(text);
  }
}

TEST(Json, NestsAHundredLevelsAndNoMore) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  const auto deep = parse_json(nested(kMaxJsonDepth + 1));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, "too-deep");
  EXPECT_NE(deep.error().message.find("100"), std::string::npos);
  EXPECT_EQ(parse_json(std::string(1'000'000, '[')).error().code, "too-deep");
  EXPECT_EQ(parse_json(std::string(kMaxJsonDepth, '[')).error().code, "invalid-json");
  EXPECT_TRUE(parse_json(R"("[[[[)" + std::string(300, '[') + "\""));
}

TEST(Json, ReadersIgnoreWrongTypesAndNull) {
  const json object = {{"text", "a"}, {"number", 2.5}, {"yes", true}, {"no", false}, {"null", nullptr}, {"list", {1}}};
  EXPECT_EQ(optional_string(object, "text"), "a");
  EXPECT_EQ(string_or_empty(object, "text"), "a");
  EXPECT_EQ(optional_number(object, "number"), 2.5);
  EXPECT_EQ(optional_bool(object, "no"), false);
  EXPECT_TRUE(is_set(object, "yes"));
  for (const char* field : {"number", "yes", "null", "list", "missing"}) {
    EXPECT_EQ(optional_string(object, field), std::nullopt) << field;
    EXPECT_EQ(string_or_empty(object, field), "") << field;
  }
  for (const char* field : {"text", "yes", "null", "list", "missing"}) {
    EXPECT_EQ(optional_number(object, field), std::nullopt) << field;
  }
  for (const char* field : {"text", "number", "null", "no", "missing"}) EXPECT_FALSE(is_set(object, field)) << field;
  EXPECT_EQ(find_member(object, "null"), nullptr);
  EXPECT_NE(find_any_member(object, "null"), nullptr);
  EXPECT_EQ(find_any_member(json::array(), "text"), nullptr);
}

TEST(JsonWriter, WritesWhatTheLibraryWrites) {
  JsonWriter out;
  out.open('{').text("a", "b").flag("c", true).number("d", 1.5).number("left out", std::nullopt).name("e").open('[');
  out.open('{').close('}').text("x").number(-3).flag(false).open('[').close(']');
  out.close(']').name("h").open('{').close('}').text("i", "").close('}');
  EXPECT_EQ(out.take(), R"({"a":"b","c":true,"d":1.5,"e":[{},"x",-3,false,[]],"h":{},"i":""})");
}

TEST(JsonWriter, EscapesEveryByteAndRepairsInvalidText) {
  for (int c = 0; c < 0x80; ++c) {
    const std::string text(3, static_cast<char>(c));
    JsonWriter out;
    EXPECT_EQ(out.text(text).take(), json(text).dump()) << c;
  }
  JsonWriter valid;
  EXPECT_EQ(valid.text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80").take(), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
  JsonWriter invalid;
  EXPECT_EQ(invalid.text("a\xff\xc3").take(), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace tierwise
