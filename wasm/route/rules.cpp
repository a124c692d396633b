#include "route/rules.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "route/phrase.h"

namespace tierwise::route {
namespace {

constexpr std::size_t kMaxRules = 200;
constexpr std::size_t kMaxConditions = 2000;
constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxListed = 100;
constexpr std::size_t kMaxSentenceBytes = 500;
constexpr std::size_t kMaxFactBytes = 500;

struct OperatorName {
  std::string_view name;
  Operator op;
};
constexpr std::array<OperatorName, 9> kOperators = {{{"equals", Operator::kEquals},
                                                     {"in", Operator::kIn},
                                                     {"contains", Operator::kContains},
                                                     {"present", Operator::kPresent},
                                                     {"truthy", Operator::kTruthy},
                                                     {"greater", Operator::kGreater},
                                                     {"less", Operator::kLess},
                                                     {"atLeast", Operator::kAtLeast},
                                                     {"atMost", Operator::kAtMost}}};
constexpr std::array<std::string_view, 4> kHealthFacts = {"availability", "p50Ms", "firstPartP50Ms",
                                                          "failureShare"};
constexpr std::array<std::string_view, 5> kPlainFacts = {"permissions", "mode", "prefer", "inputTokens",
                                                         "outputTokens"};

Error refusal(const std::string& field, const std::string& complaint) {
  return Error{"invalid-config", field + " " + complaint, field};
}

bool is_scalar(const json& value) { return value.is_string() || value.is_number() || value.is_boolean(); }

std::vector<std::string> segments(std::string_view dotted) {
  std::vector<std::string> found;
  std::size_t start = 0;
  for (std::size_t at = 0; at <= dotted.size(); ++at) {
    if (at < dotted.size() && dotted[at] != '.') continue;
    found.emplace_back(dotted.substr(start, at - start));
    start = at + 1;
  }
  return found;
}

bool is_fact(const std::vector<std::string>& fact) {
  if (std::any_of(fact.begin(), fact.end(), [](const std::string& part) { return part.empty(); }))
    return false;
  if (fact.size() == 1)
    return std::find(kPlainFacts.begin(), kPlainFacts.end(), fact[0]) != kPlainFacts.end();
  if (fact[0] == "context") return true;
  // A flag of the application's own may have dots in its name.
  if (fact[0] == "flags") return true;
  return fact[0] == "health" && fact.size() == 3 && tier_named(fact[1]) &&
         std::find(kHealthFacts.begin(), kHealthFacts.end(), fact[2]) != kHealthFacts.end();
}

class ConditionReader {
 public:
  Result<Condition> read(const json& source, const std::string& path, std::size_t depth) {
    if (depth > kMaxDepth) return refusal(path, "nests deeper than 16 levels; flatten it.");
    if (++count_ > kMaxConditions)
      return refusal(path, "is one condition too many: all rules together may have 2,000.");
    if (!source.is_object() || source.empty()) {
      return refusal(path, "must be an object: { \"fact\": …, operator: … }, or one of all, any, not.");
    }
    for (const auto& [name, kind] :
         {std::pair{"all", Condition::Kind::kAll}, std::pair{"any", Condition::Kind::kAny},
          std::pair{"not", Condition::Kind::kNot}}) {
      const auto found = source.find(name);
      if (found == source.end()) continue;
      if (source.size() != 1) {
        return refusal(path, "has \"" + std::string(name) + "\" beside other members; give it alone.");
      }
      return read_joined(*found, kind, path + "." + name, depth);
    }
    return read_comparison(source, path);
  }

 private:
  Result<Condition> read_joined(const json& source, Condition::Kind kind, const std::string& path,
                                std::size_t depth) {
    Condition condition{.kind = kind};
    if (kind == Condition::Kind::kNot) {
      auto part = read(source, path, depth + 1);
      if (!part) return part;
      condition.parts.push_back(std::move(part).value());
      return condition;
    }
    if (!source.is_array() || source.empty() || source.size() > kMaxListed) {
      return refusal(path, "must be a list of 1 to 100 conditions.");
    }
    for (std::size_t index = 0; index < source.size(); ++index) {
      auto part = read(source[index], path + "[" + std::to_string(index) + "]", depth + 1);
      if (!part) return part;
      condition.parts.push_back(std::move(part).value());
    }
    return condition;
  }

  static Result<Condition> read_comparison(const json& source, const std::string& path) {
    Condition condition{.kind = Condition::Kind::kCompare};
    const auto fact = optional_string(source, "fact");
    if (!fact) return refusal(path + ".fact", "must be a string such as \"context.useCompanyModel\".");
    condition.fact = segments(*fact);
    if (fact->size() > kMaxFactBytes || !is_fact(condition.fact)) {
      return refusal(path + ".fact",
                     "names the unknown fact " + in_quotes(*fact) +
                         ". Known are context.<key>, flags.<name>, permissions, mode, prefer, inputTokens, "
                         "outputTokens, and health.<tier>.availability, .p50Ms, .firstPartP50Ms, "
                         ".failureShare.");
    }
    for (const auto& member : source.items()) {
      const std::string& name = member.key();
      const json& operand = member.value();
      if (name == "fact") continue;
      const auto known = std::find_if(kOperators.begin(), kOperators.end(),
                                      [&name](const OperatorName& entry) { return entry.name == name; });
      const std::string operator_path = path + "." + name;
      if (known == kOperators.end()) {
        return Error{"invalid-config",
                     path + " has the unknown operator " + in_quotes(name) +
                         ". Known are equals, in, contains, present, truthy, greater, less, atLeast, atMost.",
                     operator_path};
      }
      if (const char* complaint = objection(known->op, operand)) return refusal(operator_path, complaint);
      condition.comparisons.push_back({known->op, operand});
    }
    if (condition.comparisons.empty()) {
      return refusal(path, "compares its fact with nothing; add an operator such as \"truthy\": true.");
    }
    return condition;
  }

  // What is wrong with an operand, or nullptr.
  static const char* objection(Operator op, const json& operand) {
    switch (op) {
      case Operator::kEquals:
      case Operator::kContains:
        return is_scalar(operand) ? nullptr : "must be a string, a number or a boolean.";
      case Operator::kIn:
        return operand.is_array() && !operand.empty() && operand.size() <= kMaxListed &&
                       std::all_of(operand.begin(), operand.end(), is_scalar)
                   ? nullptr
                   : "must be a list of 1 to 100 strings, numbers or booleans.";
      case Operator::kPresent:
      case Operator::kTruthy:
        return operand.is_boolean() ? nullptr : "must be true or false.";
      case Operator::kGreater:
      case Operator::kLess:
      case Operator::kAtLeast:
      case Operator::kAtMost:
        return operand.is_number() ? nullptr : "must be a number.";
    }
    return nullptr;
  }

  std::size_t count_ = 0;
};

// As JavaScript has it: missing, null, false, 0 and "" are not.
bool is_truthy(const json* value) {
  if (value == nullptr || value->is_null()) return false;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number()) return value->get<double>() != 0;
  if (value->is_string()) return !value->get_ref<const std::string&>().empty();
  return true;
}

bool contains(const json& value, const json& operand) {
  if (value.is_array()) return std::find(value.begin(), value.end(), operand) != value.end();
  return value.is_string() && operand.is_string() &&
         value.get_ref<const std::string&>().find(operand.get_ref<const std::string&>()) != std::string::npos;
}

bool compares(const json* value, const Comparison& comparison) {
  const json& operand = comparison.operand;
  if (comparison.op == Operator::kPresent) return (value != nullptr) == operand.get<bool>();
  if (comparison.op == Operator::kTruthy) return is_truthy(value) == operand.get<bool>();
  if (value == nullptr) return false;
  if (comparison.op == Operator::kEquals) return *value == operand;
  if (comparison.op == Operator::kIn)
    return std::find(operand.begin(), operand.end(), *value) != operand.end();
  if (comparison.op == Operator::kContains) return contains(*value, operand);
  if (!value->is_number()) return false;
  const double left = value->get<double>();
  const double right = operand.get<double>();
  switch (comparison.op) {
    case Operator::kGreater:
      return left > right;
    case Operator::kLess:
      return left < right;
    case Operator::kAtLeast:
      return left >= right;
    default:
      return left <= right;
  }
}

std::string_view availability_name(Availability availability) {
  switch (availability) {
    case Availability::kUnknown:
      return "unknown";
    case Availability::kReady:
      return "ready";
    case Availability::kCooling:
      return "cooling";
    case Availability::kProbing:
      return "probing";
    case Availability::kAsleep:
      return "asleep";
    case Availability::kStarting:
      return "starting";
    case Availability::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

json health_fact(const std::vector<std::string>& fact, const Facts& facts) {
  const auto view = facts.health(*tier_named(fact[1]));
  if (!view) return nullptr;
  const std::string& name = fact[2];
  if (name == "availability") return std::string(availability_name(view->availability));
  if (name == "p50Ms") return view->p50_ms ? json(*view->p50_ms) : json(nullptr);
  if (name == "firstPartP50Ms")
    return view->first_part_p50_ms ? json(*view->first_part_p50_ms) : json(nullptr);
  return view->failure_share;
}

json flag_fact(const std::vector<std::string>& fact, const Flags& flags) {
  std::string name = fact[1];
  for (std::size_t index = 2; index < fact.size(); ++index) name += "." + fact[index];
  const auto state = flags.state(name);
  return state ? json(*state) : json(nullptr);
}

// Null when the fact is not there. Facts of the context are looked up where they are; see Condition::holds.
json made_fact(const std::vector<std::string>& fact, const Facts& facts) {
  const std::string& name = fact[0];
  if (name == "flags") return flag_fact(fact, facts.flags);
  if (name == "health") return health_fact(fact, facts);
  if (name == "mode") return std::string(facts.mode);
  if (name == "prefer") return std::string(facts.prefer);
  if (name == "inputTokens") return facts.input_tokens;
  return facts.output_tokens;
}

bool comparisons_hold(const Condition& condition, const json* value) {
  return std::all_of(condition.comparisons.begin(), condition.comparisons.end(),
                     [value](const Comparison& comparison) { return compares(value, comparison); });
}

bool comparison_holds(const Condition& condition, const Facts& facts) {
  if (condition.fact[0] == "context") {
    const json* value = &facts.context;
    for (std::size_t index = 1; index < condition.fact.size() && value != nullptr; ++index) {
      value = find_member(*value, condition.fact[index]);
    }
    return comparisons_hold(condition, value);
  }
  if (condition.fact[0] == "permissions") return comparisons_hold(condition, facts.permissions);
  const json value = made_fact(condition.fact, facts);
  return comparisons_hold(condition, value.is_null() ? nullptr : &value);
}

// A clause of a rule: no final period, so that sentences can be made of it.
Result<std::string> read_clause(const json& rule, std::string_view name, const std::string& path,
                                bool needed) {
  const std::string field = path + "." + std::string(name);
  const json* source = find_member(rule, name);
  if (source == nullptr && !needed) return std::string();
  if (source == nullptr || !source->is_string()) return refusal(field, "must be a sentence for people.");
  std::string clause = source->get<std::string>();
  if (clause.size() > kMaxSentenceBytes) return refusal(field, "is longer than 500 bytes.");
  while (!clause.empty() && (clause.back() == '.' || clause.back() == ' ')) clause.pop_back();
  if (clause.empty()) return refusal(field, "must not be empty: it is shown to people.");
  return clause;
}

Result<Tier> read_tier(const json* source, const std::string& field) {
  const auto tier = source != nullptr && source->is_string()
                        ? tier_named(source->get_ref<const std::string&>())
                        : std::nullopt;
  if (!tier) return refusal(field, "must be one of base, company, abstraction, user.");
  return *tier;
}

// Refuses members nobody would read: a misspelt "wen" must not become a rule that always applies.
std::optional<Error> unknown_member(const json& object, const std::string& path,
                                    std::initializer_list<std::string_view> known) {
  for (const auto& entry : object.items()) {
    if (std::find(known.begin(), known.end(), entry.key()) != known.end()) continue;
    std::string names;
    for (const std::string_view name : known) names.append(names.empty() ? "" : ", ").append(name);
    return Error{"invalid-config",
                 path + " has the unknown member " + in_quotes(entry.key()) + ". Known are " + names + ".",
                 path + "." + entry.key()};
  }
  return std::nullopt;
}

Result<Rule> read_rule(const json& source, const std::string& path, ConditionReader& conditions) {
  if (!source.is_object()) return refusal(path, "must be an object { tier, when, because }.");
  if (auto error = unknown_member(source, path, {"tier", "when", "because", "otherwise"})) return *error;
  const auto tier = read_tier(find_member(source, "tier"), path + ".tier");
  if (!tier) return tier.error();
  auto because = read_clause(source, "because", path, true);
  if (!because) return because.error();
  auto otherwise = read_clause(source, "otherwise", path, false);
  if (!otherwise) return otherwise.error();
  Rule rule{tier.value(), Condition{}, std::move(because).value(), std::move(otherwise).value()};
  if (source.contains("when")) {
    auto when = conditions.read(source.at("when"), path + ".when", 1);
    if (!when) return when.error();
    rule.when = std::move(when).value();
  }
  return rule;
}

}  // namespace

bool Condition::holds(const Facts& facts) const {
  const auto part_holds = [&facts](const Condition& part) { return part.holds(facts); };
  switch (kind) {
    case Kind::kAlways:
      return true;
    case Kind::kAll:
      return std::all_of(parts.begin(), parts.end(), part_holds);
    case Kind::kAny:
      return std::any_of(parts.begin(), parts.end(), part_holds);
    case Kind::kNot:
      return !parts.front().holds(facts);
    case Kind::kCompare:
      return comparison_holds(*this, facts);
  }
  return false;
}

Result<Rules> Rules::read(const json& config) {
  const json* source = find_member(config, "tiers");
  if (source == nullptr || !source->is_object()) {
    return refusal("tiers", "must be an object { rules, fallback? } in the format of models/tiers.json.");
  }
  if (auto error = unknown_member(*source, "tiers", {"description", "rules", "fallback"})) return *error;
  const json* list = find_member(*source, "rules");
  if (list == nullptr || !list->is_array() || list->size() > kMaxRules) {
    return refusal("tiers.rules", "must be a list of at most 200 rules { tier, when, because }.");
  }
  Rules rules;
  ConditionReader conditions;
  for (std::size_t index = 0; index < list->size(); ++index) {
    auto rule = read_rule((*list)[index], "tiers.rules[" + std::to_string(index) + "]", conditions);
    if (!rule) return rule.error();
    rules.list.push_back(std::move(rule).value());
  }
  if (const json* fallback = find_member(*source, "fallback")) {
    if (!fallback->is_array() || fallback->size() > kTiers.size()) {
      return refusal("tiers.fallback", "must be a list of at most four tiers.");
    }
    for (std::size_t index = 0; index < fallback->size(); ++index) {
      const auto tier = read_tier(&(*fallback)[index], "tiers.fallback[" + std::to_string(index) + "]");
      if (!tier) return tier.error();
      rules.fallback.push_back(tier.value());
    }
  }
  return rules;
}

}  // namespace tierwise::route
