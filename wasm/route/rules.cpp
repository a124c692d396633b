#include "route/rules.h"

#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/words.h"
#include "route/phrase.h"

namespace tierwise::route {
namespace {

constexpr std::size_t kMaxRules = 200;
constexpr std::size_t kMaxConditions = 2000;
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxListed = 100;
constexpr std::size_t kMaxSentenceBytes = 500;
constexpr std::size_t kMaxFactBytes = 500;

enum class Operator { kEquals, kIn, kContains, kPresent, kTruthy, kGreater, kLess, kAtLeast, kAtMost };
constexpr std::string_view kOperators = "equals in contains present truthy greater less atLeast atMost";
constexpr std::string_view kJoints = "all any not";
constexpr std::string_view kHealthFacts = "availability p50Ms firstPartP50Ms failureShare";
constexpr std::string_view kPlainFacts = "permissions mode prefer inputTokens outputTokens";

OwnedError invalid(std::string_view field, std::string_view complaint) {
  return refusal("invalid-config", field, complaint);
}

bool is_scalar(const json& value) { return value.is_string() || value.is_number() || value.is_boolean(); }

// Up to the next dot; `rest` goes on behind it.
std::string_view take_segment(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  const std::string_view segment = rest.substr(0, dot);
  rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
  return segment;
}

bool is_fact(std::string_view fact) {
  if (fact.empty() || fact.front() == '.' || fact.back() == '.' || fact.find("..") != std::string_view::npos)
    return false;
  std::string_view rest = fact;
  const std::string_view kind = take_segment(rest);
  if (rest.empty()) return has_word(kPlainFacts, kind);
  // A flag of the application's own may have dots in its name.
  if (kind == "context" || kind == "flags") return true;
  return kind == "health" && tier_named(take_segment(rest)) && has_word(kHealthFacts, rest);
}

// What is wrong with an operand, or nothing.
std::string_view objection(Operator op, const json& operand) {
  if (op == Operator::kEquals || op == Operator::kContains) {
    return is_scalar(operand) ? "" : "must be a string, a number or a boolean.";
  }
  if (op == Operator::kIn) {
    bool good = operand.is_array() && !operand.empty() && operand.size() <= kMaxListed;
    if (good) {
      for (const json& value : elements_of(operand)) good = good && is_scalar(value);
    }
    return good ? "" : "must be a list of 1 to 100 strings, numbers or booleans.";
  }
  if (op == Operator::kPresent || op == Operator::kTruthy) return operand.is_boolean() ? "" : "must be true or false.";
  return operand.is_number() ? "" : "must be a number.";
}

OwnedError check_comparison(const json& source, std::string_view path) {
  const std::string fact_path = fill("{}.fact", {path});
  const json* fact = find_member(source, "fact");
  const std::string* name_of_fact = fact == nullptr ? nullptr : string_in(*fact);
  if (name_of_fact == nullptr) return invalid(fact_path, "must be a string such as \"context.useCompanyModel\".");
  if (name_of_fact->size() > kMaxFactBytes || !is_fact(*name_of_fact)) {
    return invalid(fact_path,
                   fill("names the unknown fact {}. Known are context.<key>, flags.<name>, permissions, mode, "
                        "prefer, inputTokens, outputTokens, and health.<tier>.availability, .p50Ms, "
                        ".firstPartP50Ms, .failureShare.",
                        {in_quotes(*name_of_fact)}));
  }
  for (const auto& [name, operand] : members_of(source)) {
    if (name == "fact") continue;
    const std::size_t position = word_position(kOperators, name);
    const std::string operator_path = fill("{}.{}", {path, name});
    if (position == kNoWord) {
      return make_error("invalid-config",
                        fill("{} has the unknown operator {}. Known are {}.",
                             {path, in_quotes(name), joined_words(kOperators, ", ")}),
                        operator_path);
    }
    const std::string_view complaint = objection(static_cast<Operator>(position), operand);
    if (!complaint.empty()) return invalid(operator_path, complaint);
  }
  if (source.size() == 1) {
    return invalid(path, "compares its fact with nothing; add an operator such as \"truthy\": true.");
  }
  return nullptr;
}

// `count`: of the conditions so far, in all rules.
OwnedError check_condition(const json& source, std::string_view path, std::size_t depth, std::size_t& count) {
  if (depth > kMaxDepth) return invalid(path, "nests deeper than 16 levels; flatten it.");
  if (++count > kMaxConditions) {
    return invalid(path, "is one condition too many: all rules together may have 2,000.");
  }
  if (!source.is_object() || source.empty()) {
    return invalid(path, "must be an object: { \"fact\": …, operator: … }, or one of all, any, not.");
  }
  for (const auto& [name, parts] : members_of(source)) {
    if (!has_word(kJoints, name)) continue;
    if (source.size() != 1) return invalid(path, fill("has \"{}\" beside other members; give it alone.", {name}));
    const std::string inner = fill("{}.{}", {path, name});
    if (name == "not") return check_condition(parts, inner, depth + 1, count);
    if (!parts.is_array() || parts.empty() || parts.size() > kMaxListed) {
      return invalid(inner, "must be a list of 1 to 100 conditions.");
    }
    std::int64_t place = 0;
    for (const json& part : elements_of(parts)) {
      if (auto error = check_condition(part, fill("{}[{}]", {inner, digits(place++)}), depth + 1, count)) return error;
    }
    return nullptr;
  }
  return check_comparison(source, path);
}

// As JavaScript has it: missing, null, false, 0 and "" are not.
bool is_truthy(const json* value) {
  if (value == nullptr || value->is_null()) return false;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number()) return value->get<double>() != 0;
  const std::string* text = string_in(*value);
  return text == nullptr || !text->empty();
}

// Of scalars; values of different types are never equal.
bool equal(const json& left, const json& right) {
  if (left.is_number() && right.is_number()) return left.get<double>() == right.get<double>();
  if (left.is_boolean() && right.is_boolean()) return left.get<bool>() == right.get<bool>();
  const std::string* text = string_in(left);
  const std::string* other = string_in(right);
  return text != nullptr && other != nullptr && *text == *other;
}

bool is_among(const json& wanted, const json& list) {
  for (const json& value : elements_of(list)) {
    if (equal(value, wanted)) return true;
  }
  return false;
}

bool contains(const json& value, const json& operand) {
  if (value.is_array()) return is_among(operand, value);
  const std::string* text = string_in(value);
  const std::string* part = string_in(operand);
  return text != nullptr && part != nullptr && text->find(*part) != std::string::npos;
}

bool compares(const json* value, Operator op, const json& operand) {
  if (op == Operator::kPresent) return (value != nullptr) == operand.get<bool>();
  if (op == Operator::kTruthy) return is_truthy(value) == operand.get<bool>();
  if (value == nullptr) return false;
  if (op == Operator::kEquals) return equal(*value, operand);
  if (op == Operator::kIn) return is_among(*value, operand);
  if (op == Operator::kContains) return contains(*value, operand);
  if (!value->is_number()) return false;
  const double left = value->get<double>();
  const double right = operand.get<double>();
  if (left == right) return op == Operator::kAtLeast || op == Operator::kAtMost;
  return (op == Operator::kGreater || op == Operator::kAtLeast) == (left > right);
}

json known_number(std::optional<double> number) { return number ? json(*number) : json(nullptr); }

// `fact`: "<tier>.<what>".
json health_fact(std::string_view fact, const Facts& facts) {
  const Target* space = space_of(facts.targets, *tier_named(take_segment(fact)));
  if (space == nullptr) return nullptr;
  const HealthView view = facts.health(*space);
  if (fact == "p50Ms") return known_number(view.p50_ms);
  if (fact == "firstPartP50Ms") return known_number(view.first_part_p50_ms);
  if (fact == "failureShare") return view.failure_share;
  return word_at("unknown ready cooling probing asleep starting unavailable",
                 static_cast<std::size_t>(view.availability));
}

// Null when the fact is not there. Facts of the context and the permissions are looked at where they are.
json made_fact(std::string_view kind, std::string_view rest, const Facts& facts) {
  if (kind == "health") return health_fact(rest, facts);
  if (kind == "mode") return facts.mode;
  if (kind == "prefer") return facts.prefer;
  if (kind == "inputTokens") return facts.input_tokens;
  if (kind == "outputTokens") return facts.output_tokens;
  const auto state = facts.flags.state(rest);
  return state ? json(*state) : json(nullptr);
}

bool comparison_holds(const json& condition, const Facts& facts) {
  std::string_view rest = string_or_empty(condition, "fact");
  const std::string_view kind = take_segment(rest);
  json made;
  const json* value = nullptr;
  if (kind == "context") {
    value = &facts.context;
    while (!rest.empty() && value != nullptr) value = find_member(*value, take_segment(rest));
  } else if (kind == "permissions") {
    value = facts.permissions;
  } else {
    made = made_fact(kind, rest, facts);
    if (!made.is_null()) value = &made;
  }
  for (const auto& [name, operand] : members_of(condition)) {
    if (name == "fact") continue;
    if (!compares(value, static_cast<Operator>(word_position(kOperators, name)), operand)) return false;
  }
  return true;
}

bool holds(const json& condition, const Facts& facts) {
  const auto& [name, parts] = *members_of(condition).begin();
  if (!has_word(kJoints, name)) return comparison_holds(condition, facts);
  if (name == "not") return !holds(parts, facts);
  const bool any = name == "any";
  for (const json& part : elements_of(parts)) {
    if (holds(part, facts) == any) return any;
  }
  return !any;
}

// A clause of a rule: no final period, so that sentences can be made of it.
Result<std::string> read_clause(const json& rule, std::string_view name, std::string_view path, bool needed) {
  const std::string field = fill("{}.{}", {path, name});
  const json* source = find_member(rule, name);
  if (source == nullptr && !needed) return std::string();
  if (source == nullptr || !source->is_string()) return invalid(field, "must be a sentence for people.");
  std::string clause = *string_in(*source);
  if (clause.size() > kMaxSentenceBytes) return invalid(field, "is longer than 500 bytes.");
  while (!clause.empty() && (clause.back() == '.' || clause.back() == ' ')) clause.pop_back();
  if (clause.empty()) return invalid(field, "must not be empty: it is shown to people.");
  return clause;
}

Result<Tier> read_tier(const json* source, std::string_view field) {
  const std::string* name = source == nullptr ? nullptr : string_in(*source);
  auto tier = name == nullptr ? std::nullopt : tier_named(*name);
  if (!tier) return invalid(field, "must be one of base, company, abstraction, user.");
  return *tier;
}

// Refuses members nobody would read: a misspelt "wen" must not become a rule that always applies.
OwnedError unknown_member(const json& object, std::string_view path, std::string_view known) {
  for (const auto& [name, value] : members_of(object)) {
    if (has_word(known, name)) continue;
    return make_error(
        "invalid-config",
        fill("{} has the unknown member {}. Known are {}.", {path, in_quotes(name), joined_words(known, ", ")}),
        fill("{}.{}", {path, name}));
  }
  return nullptr;
}

Result<Rule> read_rule(const json& source, std::string_view path, std::size_t& conditions) {
  if (!source.is_object()) return invalid(path, "must be an object { tier, when, because }.");
  if (auto error = unknown_member(source, path, "tier when because otherwise")) return error;
  auto tier = read_tier(find_member(source, "tier"), fill("{}.tier", {path}));
  if (!tier) return tier.take_error();
  auto because = read_clause(source, "because", path, true);
  if (!because) return because.take_error();
  auto otherwise = read_clause(source, "otherwise", path, false);
  if (!otherwise) return otherwise.take_error();
  Rule rule{tier.value(), nullptr, std::move(because).value(), std::move(otherwise).value()};
  if (const json* condition = find_any_member(source, "when")) {
    if (auto error = check_condition(*condition, fill("{}.when", {path}), 1, conditions)) return error;
    rule.when = *condition;
  }
  return rule;
}

}  // namespace

bool Rule::applies(const Facts& facts) const { return when.is_null() || holds(when, facts); }

Result<Rules> Rules::read(const json& config) {
  const json* source = find_member(config, "tiers");
  if (source == nullptr || !source->is_object()) {
    return invalid("tiers", "must be an object { rules, fallback? } in the format of models/tiers.json.");
  }
  if (auto error = unknown_member(*source, "tiers", "description rules fallback")) return error;
  const json* list = find_member(*source, "rules");
  if (list == nullptr || !list->is_array() || list->size() > kMaxRules) {
    return invalid("tiers.rules", "must be a list of at most 200 rules { tier, when, because }.");
  }
  Rules rules;
  std::size_t conditions = 0;
  for (const json& source_of_rule : elements_of(*list)) {
    const auto place = digits(static_cast<std::int64_t>(rules.list.size()));
    auto rule = read_rule(source_of_rule, fill("tiers.rules[{}]", {place}), conditions);
    if (!rule) return rule.take_error();
    rules.list.push_back(std::move(rule).value());
  }
  if (const json* fallback = find_member(*source, "fallback")) {
    if (!fallback->is_array() || fallback->size() > kTiers.size()) {
      return invalid("tiers.fallback", "must be a list of at most four tiers.");
    }
    for (const json& name : elements_of(*fallback)) {
      const auto place = digits(static_cast<std::int64_t>(rules.fallback.size()));
      auto tier = read_tier(&name, fill("tiers.fallback[{}]", {place}));
      if (!tier) return tier.take_error();
      rules.fallback.push_back(tier.value());
    }
  }
  return rules;
}

}  // namespace tierwise::route
