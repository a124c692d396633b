// Values of a template from JSON: a tree, or its text, of which no tree is made.
#include <cstring>

#include "base/json_scanner.h"
#include "prompt/value.h"

namespace tierwise::prompt {
namespace {

Value text_of(std::string_view from, bool opaque) {
  return text(from, opaque && from.find(kPlaceholder) != std::string_view::npos);
}

class Reader : public JsonScanner {
 public:
  Reader(Arena& arena, std::string_view source, bool opaque)
      : JsonScanner(source, kMaxJsonValues), arena_(arena), opaque_(opaque) {}

  Value read() {
    const Value value = read_value(1);
    end();
    return value;
  }

 private:
  Value read_value(std::size_t depth) {
    // Whoever has the arena says it.
    if (arena_.over()) fail();
    switch (begin_value(depth)) {
      case '{': {
        Dict* entries = arena_.make<Dict>();
        for (bool more = has_element('}'); more && !failed(); more = goes_on('}')) {
          peek();
          const Value key = text(read_string());
          expect_colon();
          put(arena_, *entries, key, read_value(depth + 1));
        }
        return dict(entries);
      }
      case '[': {
        Items* list = arena_.make<Items>();
        for (bool more = has_element(']'); more && !failed(); more = goes_on(']')) {
          append(arena_, *list, read_value(depth + 1));
        }
        return items(Kind::kList, list);
      }
      case '"':
        return text_of(read_string(), opaque_);
      default:
        break;
    }
    const Scalar scalar = read_scalar();
    switch (scalar.type) {
      case Scalar::kBoolean:
        return boolean(scalar.truth);
      case Scalar::kWhole:
        return integer(scalar.whole);
      case Scalar::kReal:
        return real(scalar.real);
      default:
        return none();
    }
  }

  std::string_view read_string() {
    expect("\"");
    const std::string_view plain = take_plain();
    if (front() == '"') {
      expect("\"");
      return plain;
    }
    // Room for all that is still to come, once.
    if (free_ == nullptr) free_ = static_cast<char*>(arena_.allocate(plain.size() + rest_left()));
    char* const begin = free_;
    std::memcpy(begin, plain.data(), plain.size());
    free_ = read_text(begin + plain.size());
    return {begin, static_cast<std::size_t>(free_ - begin)};
  }

  Arena& arena_;
  bool opaque_;
  char* free_ = nullptr;
};

}  // namespace

Result<Value> read_json(Arena& arena, std::string_view source, bool opaque) {
  Reader reader(arena, source, opaque);
  const Value value = reader.read();
  if (arena.over()) return value;
  if (auto error = reader.error()) return error;
  return value;
}

Value from_json(Arena& arena, const json& source, bool opaque) {
  if (arena.over()) return none();
  switch (source.type()) {
    case json::value_t::boolean:
      return boolean(source.get<bool>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return integer(source.get<std::int64_t>());
    case json::value_t::number_float:
      return real(source.get<double>());
    case json::value_t::string:
      return text_of(*string_in(source), opaque);
    case json::value_t::array: {
      const auto& elements = elements_of(source);
      Items* list = arena.make<Items>();
      for (const json& element : elements) append(arena, *list, from_json(arena, element, opaque));
      return items(Kind::kList, list);
    }
    case json::value_t::object: {
      Dict* entries = arena.make<Dict>();
      for (const auto& [key, value] : members_of(source)) {
        put(arena, *entries, text(key), from_json(arena, value, opaque));
      }
      return dict(entries);
    }
    default:
      return none();
  }
}

}  // namespace tierwise::prompt
