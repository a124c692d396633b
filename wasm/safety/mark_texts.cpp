#include "safety/mark_texts.h"

#include <string_view>
#include <vector>

#include "base/field_reader.h"
#include "base/json_writer.h"
#include "base/words.h"

namespace tierwise::safety {
namespace {

struct Count {
  MarkKind kind;
  std::string_view reason;
  double times;
};

void write_counts(JsonWriter& answer, std::string_view field, const MarkedText& marked) {
  std::vector<Count> counts;
  for (const Mark& mark : marked.marks) {
    std::size_t at = 0;
    while (at < counts.size() && (counts[at].kind != mark.kind || counts[at].reason != mark.reason)) ++at;
    if (at == counts.size()) counts.push_back({mark.kind, mark.reason, 0});
    ++counts[at].times;
  }
  for (const Count& count : counts) {
    answer.open('{').text("field", field).text("kind", word_at(kMarkKinds, static_cast<std::size_t>(count.kind)));
    answer.text("reason", count.reason).number("count", count.times).close('}');
  }
}

}  // namespace

Result<std::string> mark_texts(const json& request, const Phrases& phrases) {
  FieldReader fields(request);
  const std::size_t policy = word_position(kPolicies, fields.string("policy"));
  if (policy == kNoWord) fields.complain("policy", "mark, strip or refuse");
  if (fields.failed()) return fields.take_problem();
  const json* texts = find_member(request, "texts");
  if (texts == nullptr || !texts->is_array()) return bad_field("texts", "a list");
  JsonWriter answer;
  JsonWriter marks;
  answer.open('{').name("texts").open('[');
  marks.open('[');
  for (const json& one : elements_of(*texts)) {
    FieldReader reader(one, "texts.");
    const std::string_view field = reader.string("field");
    const std::string_view text = reader.string("text");
    if (reader.failed()) return reader.take_problem();
    auto marked = apply_marks(text, static_cast<Policy>(policy), phrases, field);
    if (!marked) return marked.take_error();
    answer.text(marked.value().text);
    write_counts(marks, field, marked.value());
  }
  return answer.close(']').take() + ",\"marks\":" + marks.close(']').take() + "}";
}

}  // namespace tierwise::safety
