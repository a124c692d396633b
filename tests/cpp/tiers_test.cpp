// The plan of a request: rules, flags, permissions, preference, health, and what is refused.
// The truth tables of docs/ROUTING.md are read from the page and checked for every combination of flags.
#include "route/tiers.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "route/phrase.h"
#include "route/plan_request.h"

namespace tierwise::route {
namespace {

constexpr double kNow = 1'700'000'000'000;

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const json& default_rules() {
  static const json rules = json::parse(read_text(TIERWISE_MODELS_DIR "/tiers.json"));
  return rules;
}

json target(const std::string& id) {
  if (id.starts_with("space:")) return {{"id", id}, {"provider", "space"}, {"tier", id.substr(6)}};
  return {{"id", id}, {"provider", id}};
}

// Named in words: "base company router mock".
json targets(const std::string& names) {
  json list = json::array();
  std::istringstream words(names);
  for (std::string name; words >> name;) list.push_back(target(tier_named(name) ? "space:" + name : name));
  return list;
}

const char* const kEverything = "base company abstraction user router openai mock";

json config_of(const std::string& names) {
  return {{"tiers", default_rules()}, {"defaultTier", "base"}, {"targets", targets(names)}};
}

Tiers configured(const json& config) {
  Tiers tiers;
  const auto done = tiers.configure(config);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return tiers;
}

using Views = std::map<std::string, HealthView>;
using Costs = std::map<std::string, double>;

HealthView in_state(Availability availability) {
  HealthView view{};
  view.availability = availability;
  return view;
}
HealthView cooling_for(double ms) {
  HealthView view = in_state(Availability::kCooling);
  view.cooling_until = kNow + ms;
  return view;
}
HealthView measured(std::optional<double> p50, std::optional<double> first_part) {
  HealthView view = in_state(Availability::kReady);
  view.p50_ms = p50;
  view.first_part_p50_ms = first_part;
  return view;
}

Survey survey_of(const Views& views, const Costs& costs = {}) {
  return {.health =
              [views](const Target& asked) {
                const auto found = views.find(asked.id);
                return found == views.end() ? in_state(Availability::kUnknown) : found->second;
              },
          .cost = [costs](const Target& asked) -> std::optional<double> {
            const auto found = costs.find(asked.id);
            if (found == costs.end()) return std::nullopt;
            return found->second;
          }};
}

json request_of(const json& extra = json::object()) {
  json request = {
      {"context", json::object()}, {"mode", "interactive"}, {"prefer", "quality"}, {"wake", "fallback"},
      {"inputTokens", 100},        {"outputTokens", 200},   {"now", kNow}};
  request.update(extra);
  return request;
}

json planned(const Tiers& tiers, const json& request, const Views& views = {}, const Costs& costs = {}) {
  const auto plan = tiers.plan(request, survey_of(views, costs));
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  return plan ? json::parse(plan.value()) : json::object({{"targets", json::array()}, {"passedOver", json::array()}});
}

// "company base router": tiers of Spaces, else the provider.
std::string order(const json& plan) {
  std::string names;
  for (const json& entry : plan.at("targets")) {
    const bool space = entry.at("provider") == "space";
    names += (names.empty() ? "" : " ") + entry.at(space ? "tier" : "provider").get<std::string>();
  }
  return names;
}

std::string short_name(const json& entry) {
  return entry.at(entry.at("provider") == "space" ? "tier" : "provider").get<std::string>();
}

// "company:flag-off user:not-selected", in order.
std::string passed(const json& plan) {
  std::string names;
  for (const json& entry : plan.at("passedOver")) {
    names += (names.empty() ? "" : " ") + short_name(entry) + ":" + entry.at("code").get<std::string>();
  }
  return names;
}

std::string reason_of(const json& plan, const std::string& name) {
  for (const char* list : {"targets", "passedOver"}) {
    for (const json& entry : plan.at(list)) {
      if (short_name(entry) == name) return entry.at("reason").get<std::string>();
    }
  }
  return "(none)";
}

// Rules and wishes.

TEST(Tiers, DefaultRulesChooseTheTier) {
  const Tiers tiers = configured(config_of("base company abstraction user"));
  const struct {
    const char* request;
    const char* order;
    const char* tier;
    const char* first_reason;
  } cases[] = {
      {R"({})", "base", "base", "base: the default tier."},
      {R"({"context":{"useCompanyModel":true,"companyId":"acme"}})", "company base", "company",
       "company: useCompanyModel is set in the context."},
      {R"({"context":{"useCompanyModel":true}})", "company base", "company",
       "company: useCompanyModel is set in the context."},
      {R"({"context":{"companyId":"acme","userId":"u1"}})", "base", "base", "base: the default tier."},
      {R"({"context":{"useCompanyModel":false}})", "base", "base", "base: the default tier."},
      {R"({"context":{"useCompanyModel":0}})", "base", "base", "base: the default tier."},
      {R"({"context":{"useCompanyModel":""}})", "base", "base", "base: the default tier."},
      {R"({"context":{"useCompanyModel":null}})", "base", "base", "base: the default tier."},
      {R"({"context":{"useAbstraction":true}})", "abstraction base", "abstraction",
       "abstraction: useAbstraction is set in the context."},
      {R"({"context":{"useCompanyModel":true,"useAbstraction":true}})", "company abstraction base", "company",
       "company: useCompanyModel is set in the context."},
      {R"({"context":{"useUserModel":true}})", "base", "base", "base: the default tier."},
      {R"({"context":{"useUserModel":true,"userId":"u1"}})", "user base", "user",
       "user: useUserModel is set in the context, for the user that userId names."},
      {R"({"tier":"user"})", "user base", "user", "user: asked for by name."},
      {R"({"tier":"base","context":{"useCompanyModel":true}})", "base company", "base",
       "base: asked for by name."},
      {R"({"tier":"company","context":{"useCompanyModel":true}})", "company base", "company",
       "company: asked for by name."},
      {R"({"tier":"abstraction","context":{"useCompanyModel":true}})", "abstraction company base",
       "abstraction", "abstraction: asked for by name."},
  };
  for (const auto& row : cases) {
    const json plan = planned(tiers, request_of(json::parse(row.request)));
    EXPECT_EQ(order(plan), row.order) << row.request;
    EXPECT_EQ(plan.at("tier"), row.tier) << row.request;
    EXPECT_EQ(plan.at("targets").at(0).at("reason"), row.first_reason) << row.request;
    EXPECT_EQ(plan.at("targets").at(0).at("target"), "space:" + std::string(row.tier)) << row.request;
  }
}

TEST(Tiers, AbsentOptionalFieldsAreTheDefaults) {
  const Tiers tiers = configured(config_of(kEverything));
  EXPECT_EQ(planned(tiers, {{"now", kNow}}), planned(tiers, request_of()));
}

TEST(Tiers, PassedOverSaysWhichAndWhy) {
  const Tiers tiers = configured(config_of("base company user"));
  const json plan =
      planned(tiers, request_of({{"tier", "abstraction"}, {"permissions", {"base", "user", "abstraction"}}}));
  EXPECT_EQ(order(plan), "base");
  EXPECT_EQ(passed(plan), "abstraction:not-configured company:not-permitted user:not-selected");
  EXPECT_EQ(plan.at("passedOver").at(0).at("target"), "space:abstraction");
  EXPECT_EQ(reason_of(plan, "abstraction"),
            "abstraction: asked for by name, but no Space is configured for this tier.");
  EXPECT_EQ(reason_of(plan, "company"), "company: the permissions of this request leave it out.");
  EXPECT_EQ(reason_of(plan, "user"), "user: useUserModel and userId are not both set in the context.");
}

TEST(Tiers, PermissionsLimitTiersAndNotProviders) {
  const Tiers tiers = configured(config_of(kEverything));
  const struct {
    const char* request;
    const char* order;
    const char* tier;
  } cases[] = {
      {R"({"permissions":["base","company","abstraction","user"]})", "base router openai mock", "base"},
      {R"({"tier":"company","permissions":["base"]})", "base router openai mock", "base"},
      {R"({"tier":"company","permissions":["company"]})", "company router openai mock", "company"},
      {R"({"context":{"useCompanyModel":true},"permissions":["base"]})", "base router openai mock", "base"},
      {R"({"permissions":["user"]})", "router openai mock", "base"},
      {R"({"permissions":[]})", "router openai mock", "base"},
      {R"({"permissions":null})", "base router openai mock", "base"},
  };
  for (const auto& row : cases) {
    const json plan = planned(tiers, request_of(json::parse(row.request)));
    EXPECT_EQ(order(plan), row.order) << row.request;
    EXPECT_EQ(plan.at("tier"), row.tier) << row.request;
  }
  const json plan = planned(tiers, request_of({{"tier", "company"}, {"permissions", {"base"}}}));
  EXPECT_EQ(reason_of(plan, "company"),
            "company: asked for by name, but the permissions of this request leave it out.");
}

TEST(Tiers, ProvidersFollowInFixedOrderWhateverTheConfig) {
  const Tiers tiers = configured(config_of("mock openai user router company base"));
  EXPECT_EQ(order(planned(tiers, request_of({{"tier", "company"}}))), "company base router openai mock");
}

TEST(Tiers, ProvidersCarryTheTierThatWasWanted) {
  const Tiers tiers = configured(config_of("openai mock"));
  const json plan = planned(tiers, request_of({{"context", {{"useCompanyModel", true}}}}));
  EXPECT_EQ(plan.at("tier"), "company");
  EXPECT_EQ(order(plan), "openai mock");
  for (const json& entry : plan.at("targets")) EXPECT_EQ(entry.at("tier"), "company");
  EXPECT_EQ(passed(plan), "company:not-configured base:not-configured");
}

TEST(Tiers, DefaultTierAndFallbackStandIn) {
  json config = config_of(kEverything);
  config["defaultTier"] = "abstraction";
  const Tiers tiers = configured(config);
  EXPECT_EQ(order(planned(tiers, request_of())), "abstraction base router openai mock");
  EXPECT_EQ(order(planned(tiers, request_of({{"tier", "user"}}))),
            "user abstraction base router openai mock");
  config["tiers"].erase("fallback");
  EXPECT_EQ(order(planned(configured(config), request_of())), "abstraction router openai mock");
  config["tiers"]["fallback"] = {"user", "company"};
  const json plan = planned(configured(config), request_of());
  EXPECT_EQ(order(plan), "abstraction user company router openai mock");
  EXPECT_EQ(reason_of(plan, "user"), "user: stands in when the tiers before it do not answer.");
}

TEST(Tiers, NothingConfiguredIsAnEmptyPlanWithAReason) {
  const json plan = planned(configured(config_of("")), request_of());
  EXPECT_EQ(order(plan), "");
  EXPECT_EQ(passed(plan), "base:not-configured");
}

TEST(Tiers, DefaultConstructedPlansNothing) {
  const json plan = planned(Tiers{}, request_of());
  EXPECT_EQ(order(plan), "");
}

TEST(Tiers, MovesAndKeepsItsConfigurationWhenANewOneIsRefused) {
  Tiers first = configured(config_of("base company"));
  Tiers second = std::move(first);
  json bad = config_of("user");
  bad["defaultTier"] = "royal";
  EXPECT_FALSE(second.configure(bad));
  EXPECT_EQ(order(planned(second, request_of({{"tier", "company"}}))), "company base");
}

// Conditions.

TEST(Rules, AFactNamedTwiceStillComparesWithNothing) {
  json config = config_of("base");
  config["tiers"]["rules"] = json::array({{{"tier", "user"}, {"because", "x"}}});
  config["tiers"]["rules"][0]["when"] = parse_json(R"({"fact":"mode","fact":"mode"})").value();
  Tiers tiers;
  const auto done = tiers.configure(config);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("compares its fact with nothing"), std::string::npos) << done.error().message;
}

TEST(Rules, Conditions) {
  const json request = request_of({{"context",
                                    {{"plan", "pro"},
                                     {"seats", 12},
                                     {"ratio", 0.5},
                                     {"trial", false},
                                     {"beta", true},
                                     {"empty", ""},
                                     {"nothing", nullptr},
                                     {"tags", {"legal", "finance", 7}},
                                     {"page", {{"kind", "report"}, {"depth", {{"level", 3}}}}},
                                     {"5", "five"}}},
                                   {"permissions", {"base", "user"}},
                                   {"mode", "background"},
                                   {"prefer", "cost"},
                                   {"inputTokens", 1200},
                                   {"outputTokens", 300}});
  const struct {
    const char* when;
    bool holds;
  } cases[] = {
      {R"({"fact":"context.plan","equals":"pro"})", true},
      {R"({"fact":"context.plan","equals":"Pro"})", false},
      {R"({"fact":"context.seats","equals":12})", true},
      {R"({"fact":"context.seats","equals":12.0})", true},
      {R"({"fact":"context.seats","equals":"12"})", false},
      {R"({"fact":"context.beta","equals":true})", true},
      {R"({"fact":"context.beta","equals":1})", false},
      {R"({"fact":"context.trial","equals":false})", true},
      {R"({"fact":"context.missing","equals":false})", false},
      {R"({"fact":"context.plan","in":["free","pro"]})", true},
      {R"({"fact":"context.plan","in":["free"]})", false},
      {R"({"fact":"context.missing","in":["free"]})", false},
      {R"({"fact":"context.tags","contains":"legal"})", true},
      {R"({"fact":"context.tags","contains":7})", true},
      {R"({"fact":"context.tags","contains":"leg"})", false},
      {R"({"fact":"context.plan","contains":"ro"})", true},
      {R"({"fact":"context.plan","contains":1})", false},
      {R"({"fact":"context.seats","contains":1})", false},
      {R"({"fact":"context.page","contains":"report"})", false},
      {R"({"fact":"context.plan","present":true})", true},
      {R"({"fact":"context.missing","present":true})", false},
      {R"({"fact":"context.missing","present":false})", true},
      {R"({"fact":"context.nothing","present":false})", true},
      {R"({"fact":"context.empty","present":true})", true},
      {R"({"fact":"context.empty","truthy":false})", true},
      {R"({"fact":"context.missing","truthy":false})", true},
      {R"({"fact":"context.missing","truthy":true})", false},
      {R"({"fact":"context.tags","truthy":true})", true},
      {R"({"fact":"context.page","truthy":true})", true},
      {R"({"fact":"context.seats","greater":11})", true},
      {R"({"fact":"context.seats","greater":12})", false},
      {R"({"fact":"context.seats","atLeast":12})", true},
      {R"({"fact":"context.seats","less":12})", false},
      {R"({"fact":"context.seats","atMost":12})", true},
      {R"({"fact":"context.seats","greater":10,"less":20})", true},
      {R"({"fact":"context.seats","greater":10,"less":12})", false},
      {R"({"fact":"context.ratio","less":0.6})", true},
      {R"({"fact":"context.plan","greater":0})", false},
      {R"({"fact":"context.missing","less":5})", false},
      {R"({"fact":"context.beta","greater":0})", false},
      {R"({"fact":"context.page.kind","equals":"report"})", true},
      {R"({"fact":"context.page.depth.level","equals":3})", true},
      {R"({"fact":"context.page.kind.deeper","present":true})", false},
      {R"({"fact":"context.tags.0","present":true})", false},
      {R"({"fact":"context.5","equals":"five"})", true},
      {R"({"fact":"permissions","contains":"user"})", true},
      {R"({"fact":"permissions","contains":"company"})", false},
      {R"({"fact":"mode","equals":"background"})", true},
      {R"({"fact":"prefer","in":["speed","cost"]})", true},
      {R"({"fact":"inputTokens","atLeast":1000})", true},
      {R"({"fact":"outputTokens","greater":300})", false},
      {R"({"fact":"flags.useOpenAI","equals":false})", true},
      {R"({"fact":"flags.useHFBaseModel","equals":true})", true},
      {R"({"fact":"flags.beta.routing","equals":true})", true},
      {R"({"fact":"flags.mine","present":false})", true},
      {R"({"fact":"flags.useMultiTieredAI","equals":true})", true},
      {R"({"fact":"health.base.availability","equals":"asleep"})", true},
      {R"({"fact":"health.base.p50Ms","present":false})", true},
      {R"({"fact":"health.user.availability","equals":"ready"})", true},
      {R"({"fact":"health.user.p50Ms","greater":1000})", true},
      {R"({"fact":"health.user.firstPartP50Ms","less":300})", true},
      {R"({"fact":"health.user.failureShare","equals":0.25})", true},
      {R"({"fact":"health.company.availability","present":false})", true},
      {R"({"not":{"fact":"context.beta","truthy":true}})", false},
      {R"({"not":{"not":{"fact":"context.beta","truthy":true}}})", true},
      {R"({"all":[{"fact":"context.beta","truthy":true},{"fact":"context.plan","equals":"pro"}]})", true},
      {R"({"all":[{"fact":"context.beta","truthy":true},{"fact":"context.plan","equals":"free"}]})", false},
      {R"({"any":[{"fact":"context.trial","truthy":true},{"fact":"context.plan","equals":"pro"}]})", true},
      {R"({"any":[{"fact":"context.trial","truthy":true},{"fact":"context.plan","equals":"free"}]})", false},
      {R"({"all":[{"any":[{"fact":"context.trial","truthy":true},{"not":{"fact":"context.x","present":true}}]}]})",
       true},
  };
  HealthView user = measured(1500, 250);
  user.failure_share = 0.25;
  const Views views = {{"space:base", in_state(Availability::kAsleep)}, {"space:user", user}};
  for (const auto& row : cases) {
    json config = config_of("base user");
    config["flags"] = {{"useHuggingFaceSpaces", true},
                       {"useHFBaseModel", true},
                       {"useHFUserModel", true},
                       {"beta.routing", {{"enabled", true}, {"visible", false}}}};
    config["tiers"] = {
        {"rules", {{{"tier", "user"}, {"when", json::parse(row.when)}, {"because", "it holds"}}}}};
    const json plan = planned(configured(config), request, views);
    EXPECT_EQ(reason_of(plan, "user").starts_with("user: it holds"), row.holds) << row.when;
  }
}

TEST(Rules, ARuleWithoutConditionAlwaysApplies) {
  json config = config_of("base user");
  config["tiers"] = {{"rules", {{{"tier", "user"}, {"because", "everyone has a model here..."}}}}};
  const json plan = planned(configured(config), request_of());
  EXPECT_EQ(order(plan), "user base");
  EXPECT_EQ(reason_of(plan, "user"), "user: everyone has a model here.");
}

TEST(Rules, WithoutFlagsOwnFlagsAreMissingAndKnownOnesOn) {
  json config = config_of("base user");
  config["tiers"] = {{"rules",
                      {{{"tier", "user"},
                        {"when",
                         {{"all",
                           {{{"fact", "flags.useOpenAI"}, {"equals", true}},
                            {{"fact", "flags.mine"}, {"present", false}}}}}},
                        {"because", "so it is"}}}}};
  EXPECT_EQ(order(planned(configured(config), request_of())), "user base");
}

json nested(std::size_t levels) {
  json condition = {{"fact", "context.x"}, {"truthy", true}};
  for (std::size_t level = 1; level < levels; ++level) condition = {{"not", std::move(condition)}};
  return condition;
}

TEST(Rules, MalformedRulesAreRefusedByName) {
  const struct {
    const char* where;  // pointer into the config
    const char* value;
    const char* field;
  } cases[] = {
      {"/tiers", "null", "tiers"},
      {"/tiers", "[]", "tiers"},
      {"/tiers", "\"rules\"", "tiers"},
      {"/tiers", "{}", "tiers.rules"},
      {"/tiers/rule", "[]", "tiers.rule"},
      {"/tiers/rules", "{}", "tiers.rules"},
      {"/tiers/rules/0", "7", "tiers.rules[0]"},
      {"/tiers/rules/0/tier", "\"royal\"", "tiers.rules[0].tier"},
      {"/tiers/rules/0/tier", "null", "tiers.rules[0].tier"},
      {"/tiers/rules/1/because", "null", "tiers.rules[1].because"},
      {"/tiers/rules/1/because", "\" . \"", "tiers.rules[1].because"},
      {"/tiers/rules/1/because", "5", "tiers.rules[1].because"},
      {"/tiers/rules/1/otherwise", "5", "tiers.rules[1].otherwise"},
      {"/tiers/rules/1/wen", "{}", "tiers.rules[1].wen"},
      {"/tiers/rules/0/when", "null", "tiers.rules[0].when"},
      {"/tiers/rules/0/when", "{}", "tiers.rules[0].when"},
      {"/tiers/rules/0/when", "[]", "tiers.rules[0].when"},
      {"/tiers/rules/0/when", "true", "tiers.rules[0].when"},
      {"/tiers/rules/0/when/fact", "null", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"useCompanyModel\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"context\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"context.\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"context..a\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"health.royal.p50Ms\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"health.base.colour\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/fact", "\"health.base\"", "tiers.rules[0].when.fact"},
      {"/tiers/rules/0/when/truthy", "1", "tiers.rules[0].when.truthy"},
      {"/tiers/rules/0/when/present", "\"yes\"", "tiers.rules[0].when.present"},
      {"/tiers/rules/0/when/equals", "null", "tiers.rules[0].when.equals"},
      {"/tiers/rules/0/when/equals", "[1]", "tiers.rules[0].when.equals"},
      {"/tiers/rules/0/when/in", "[]", "tiers.rules[0].when.in"},
      {"/tiers/rules/0/when/in", "[[1]]", "tiers.rules[0].when.in"},
      {"/tiers/rules/0/when/in", "\"a\"", "tiers.rules[0].when.in"},
      {"/tiers/rules/0/when/contains", "{}", "tiers.rules[0].when.contains"},
      {"/tiers/rules/0/when/greater", "\"5\"", "tiers.rules[0].when.greater"},
      {"/tiers/rules/0/when/matches", "\".*\"", "tiers.rules[0].when.matches"},
      {"/tiers/rules/0/when", R"({"fact":"mode"})", "tiers.rules[0].when"},
      {"/tiers/rules/0/when", R"({"all":[]})", "tiers.rules[0].when.all"},
      {"/tiers/rules/0/when", R"({"any":{}})", "tiers.rules[0].when.any"},
      {"/tiers/rules/0/when", R"({"not":[]})", "tiers.rules[0].when.not"},
      {"/tiers/rules/0/when", R"({"not":{"fact":"mode","equals":"x"},"all":[]})", "tiers.rules[0].when"},
      {"/tiers/rules/2/when/all/1/fact", "\"contxt.a\"", "tiers.rules[2].when.all[1].fact"},
      {"/tiers/rules/2/when/all/1", R"({"any":[{"not":{"fact":"mode","eq":"x"}}]})",
       "tiers.rules[2].when.all[1].any[0].not.eq"},
      {"/tiers/fallback", "\"base\"", "tiers.fallback"},
      {"/tiers/fallback", "[\"royal\"]", "tiers.fallback[0]"},
      {"/tiers/fallback", "[\"base\",\"base\",\"base\",\"base\",\"base\"]", "tiers.fallback"},
      {"/flags", "[]", "flags"},
      {"/flags", "true", "flags"},
      {"/flags", R"({"useOpenAI":"yes"})", "flags.useOpenAI"},
      {"/flags", R"({"useOpenAI":1})", "flags.useOpenAI"},
      {"/flags", R"({"useOpenAI":{"visible":true}})", "flags.useOpenAI"},
      {"/flags", R"({"useOpenAI":{"enabled":"true","visible":true}})", "flags.useOpenAI"},
      {"/flags", R"({"useOpenAI":{"enabled":true,"visible":0}})", "flags.useOpenAI"},
      {"/defaultTier", "null", "defaultTier"},
      {"/defaultTier", "\"Base\"", "defaultTier"},
      {"/defaultTier", "0", "defaultTier"},
      {"/targets", "null", "targets"},
      {"/targets", "{}", "targets"},
      {"/targets/0", "\"space:base\"", "targets[0]"},
      {"/targets/0/id", "\"\"", "targets[0].id"},
      {"/targets/0/id", "7", "targets[0].id"},
      {"/targets/0/provider", "\"anthropic\"", "targets[0].provider"},
      {"/targets/0/provider", "null", "targets[0].provider"},
      {"/targets/0/tier", "null", "targets[0].tier"},
      {"/targets/0/tier", "\"royal\"", "targets[0].tier"},
      {"/targets/0/model", "[]", "targets[0].model"},
      {"/targets/1/id", "\"space:base\"", "targets[1].id"},
      {"/targets/1/tier", "\"base\"", "targets[1].tier"},
      {"/targets/1", R"({"id":"mock2","provider":"mock"})", "targets[2].provider"},
  };
  for (const auto& row : cases) {
    json config = config_of("base company mock");
    config[json::json_pointer(row.where)] = json::parse(row.value);
    Tiers tiers;
    const auto done = tiers.configure(config);
    ASSERT_FALSE(done) << row.where << " = " << row.value;
    EXPECT_EQ(done.error().code, "invalid-config") << row.where << " = " << row.value;
    EXPECT_EQ(done.error().field, row.field) << row.where << " = " << row.value;
    EXPECT_EQ(done.error().message.back(), '.') << done.error().message;
  }
  for (const json& config : {json(nullptr), json::array(), json("x")})
    EXPECT_FALSE(Tiers().configure(config));
}

TEST(Rules, LimitsAreExact) {
  const auto accepts = [](const json& rules) {
    json config = config_of("base");
    config["tiers"]["rules"] = rules;
    return static_cast<bool>(Tiers().configure(config));
  };
  const json rule = {{"tier", "user"}, {"because", "it holds"}};
  const auto with = [&rule](const char* name, json value) {
    json changed = rule;
    changed[name] = std::move(value);
    return json::array({changed});
  };
  const json leaf = {{"fact", "context.x"}, {"truthy", true}};
  EXPECT_TRUE(accepts(with("when", nested(16))));
  EXPECT_FALSE(accepts(with("when", nested(17))));
  EXPECT_FALSE(accepts(with("when", nested(90))));
  EXPECT_TRUE(accepts(json(200, rule)));
  EXPECT_FALSE(accepts(json(201, rule)));
  EXPECT_TRUE(accepts(with("when", {{"any", json(100, leaf)}})));
  EXPECT_FALSE(accepts(with("when", {{"any", json(101, leaf)}})));
  EXPECT_TRUE(accepts(with("because", std::string(500, 'a'))));
  EXPECT_FALSE(accepts(with("because", std::string(501, 'a'))));
  EXPECT_FALSE(accepts(with("when", {{"fact", "context." + std::string(500, 'a')}, {"truthy", true}})));
  // 19 rules of 1 + 100 conditions are 1,919; one more passes 2,000 at its 82nd.
  const json hundred = with("when", {{"all", json(100, leaf)}}).at(0);
  EXPECT_TRUE(accepts(json(19, hundred)));
  EXPECT_FALSE(accepts(json(20, hundred)));
}

// Flags: the published truth tables.

const std::vector<std::string> kFlagNames = {"useHuggingFaceSpaces",
                                             "useMultiTieredAI",
                                             "useHFBaseModel",
                                             "useHFCompanyModel",
                                             "useHFAbstractionModel",
                                             "useHFUserModel",
                                             "useRealAI",
                                             "useOpenAI",
                                             "useMockAI"};

using FlagStates = std::map<std::string, bool>;

FlagStates states_of(unsigned bits) {
  FlagStates states;
  for (std::size_t index = 0; index < kFlagNames.size(); ++index)
    states[kFlagNames[index]] = (bits >> index & 1U) != 0;
  return states;
}

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found;
  std::istringstream row(line);
  std::string cell;
  std::getline(row, cell, '|');
  while (std::getline(row, cell, '|')) {
    std::string word;
    for (const char c : cell) {
      if (c != '`' && (c != ' ' || !word.empty())) word += c;
    }
    while (!word.empty() && word.back() == ' ') word.pop_back();
    found.push_back(word);
  }
  return found;
}

// The rows of the first table of docs/ROUTING.md whose header holds both words, header first.
std::vector<std::vector<std::string>> published(const std::string& first, const std::string& last) {
  std::istringstream page(read_text(TIERWISE_MODELS_DIR "/../docs/ROUTING.md"));
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    const bool is_row = line.starts_with("|");
    if (!inside && is_row && cells(line).front() == first && cells(line).back() == last) inside = true;
    if (inside && !is_row) break;
    if (inside && !line.starts_with("|---")) rows.push_back(cells(line));
  }
  return rows;
}

std::string plain_name(std::string cell) {
  const std::string space = " Space";
  if (cell.ends_with(space)) cell.resize(cell.size() - space.size());
  return cell;
}

// As the page's first table says.
std::set<std::string> allowed_by_page(const std::vector<std::vector<std::string>>& table,
                                      const FlagStates& states, const std::string& default_tier) {
  std::set<std::string> allowed;
  for (std::size_t row = 1; row < table.size(); ++row) {
    const std::string name = plain_name(table[row][0]);
    bool ok = true;
    for (std::size_t column = 1; column < table[row].size(); ++column) {
      const bool on = states.at(table[0][column]);
      const std::string& cell = table[row][column];
      EXPECT_TRUE(cell.empty() || cell == "on" || cell == "default") << cell;
      if (cell == "on" && !on) ok = false;
      if (cell == "default" && !on && name != default_tier) ok = false;
    }
    if (ok) allowed.insert(name);
  }
  return allowed;
}

// The same in words of its own, so that a mistake on the page is seen too.
std::set<std::string> allowed_by_hand(const FlagStates& states, const std::string& default_tier) {
  const auto on = [&states](const char* name) { return states.at(name); };
  std::set<std::string> allowed;
  const std::pair<const char*, const char*> spaces[] = {{"base", "useHFBaseModel"},
                                                        {"company", "useHFCompanyModel"},
                                                        {"abstraction", "useHFAbstractionModel"},
                                                        {"user", "useHFUserModel"}};
  for (const auto& [tier, flag] : spaces) {
    if (on("useHuggingFaceSpaces") && on(flag) && (on("useMultiTieredAI") || tier == default_tier))
      allowed.insert(tier);
  }
  if (on("useRealAI") && on("useHuggingFaceSpaces")) allowed.insert("router");
  if (on("useRealAI") && on("useOpenAI")) allowed.insert("openai");
  if (on("useMockAI")) allowed.insert("mock");
  return allowed;
}

json flagged(const json& flags, const std::string& default_tier) {
  json config = config_of(kEverything);
  config["flags"] = flags;
  config["defaultTier"] = default_tier;
  return config;
}

// What the core lets a request use that wants every tier: the rest must be passed over because of a flag.
std::set<std::string> allowed_by_core(const Tiers& tiers) {
  static const json wants_all = request_of(
      {{"context",
        {{"useCompanyModel", true}, {"useAbstraction", true}, {"useUserModel", true}, {"userId", "u1"}}}});
  const json plan = planned(tiers, wants_all);
  std::set<std::string> allowed;
  for (const json& entry : plan.at("targets")) allowed.insert(short_name(entry));
  for (const json& entry : plan.at("passedOver")) EXPECT_EQ(entry.at("code"), "flag-off");
  EXPECT_EQ(plan.at("targets").size() + plan.at("passedOver").size(), 7U);
  EXPECT_EQ(allowed.size(), plan.at("targets").size());
  return allowed;
}

TEST(Flags, EveryCombinationIsAsPublished) {
  const auto table = published("target", "useMockAI");
  ASSERT_EQ(table.size(), 8U);
  for (const auto& row : table) ASSERT_EQ(row.size(), 10U);
  for (const Tier default_tier : kTiers) {
    const std::string tier(tier_name(default_tier));
    for (unsigned bits = 0; bits < 512; ++bits) {
      const FlagStates states = states_of(bits);
      const auto expected = allowed_by_hand(states, tier);
      ASSERT_EQ(allowed_by_page(table, states, tier), expected) << json(states).dump() << " default " << tier;
      ASSERT_EQ(allowed_by_core(configured(flagged(states, tier))), expected)
          << json(states).dump() << " default " << tier;
    }
  }
}

TEST(Flags, ATierAskedForByNameIsFirstExactlyWhenItsFlagsAllow) {
  for (unsigned bits = 0; bits < 512; ++bits) {
    const FlagStates states = states_of(bits);
    const auto allowed = allowed_by_hand(states, "base");
    const Tiers tiers = configured(flagged(states, "base"));
    for (const Tier tier : kTiers) {
      const std::string name(tier_name(tier));
      const json plan = planned(tiers, request_of({{"tier", name}}));
      if (allowed.count(name) == 1) {
        ASSERT_EQ(order(plan).find(name), 0U) << json(states).dump();
        ASSERT_EQ(plan.at("tier"), name);
      } else {
        ASSERT_EQ(passed(plan).find(name + ":flag-off"), 0U) << json(states).dump();
      }
    }
  }
}

TEST(Flags, PublishedPlansAreThePlans) {
  const auto table = published("useHuggingFaceSpaces", "the plan");
  ASSERT_EQ(table.size(), 33U);
  std::set<std::vector<std::string>> seen;
  for (std::size_t row = 1; row < table.size(); ++row) {
    json config = config_of(kEverything);
    for (const std::string& name : kFlagNames) config["flags"][name] = true;
    for (std::size_t column = 0; column + 1 < table[row].size(); ++column) {
      ASSERT_TRUE(table[row][column] == "on" || table[row][column] == "off");
      config["flags"][table[0][column]] = table[row][column] == "on";
    }
    seen.insert({table[row].begin(), table[row].end() - 1});
    const json plan = planned(configured(config), request_of({{"context", {{"useCompanyModel", true}}}}));
    std::string told;
    for (const json& entry : plan.at("targets")) {
      told +=
          (told.empty() ? "" : ", ") + short_name(entry) + (entry.at("provider") == "space" ? " Space" : "");
    }
    EXPECT_EQ(told.empty() ? "nothing" : told, table[row].back()) << config["flags"].dump();
  }
  EXPECT_EQ(seen.size(), 32U);
}

TEST(Flags, FormsOfAFlagAndMissingOnes) {
  for (unsigned bits = 0; bits < 512; ++bits) {
    FlagStates states = states_of(bits);
    json objects = json::object();
    json missing = json::object();
    for (const auto& [name, on] : states) {
      objects[name] = {{"enabled", on}, {"visible", !on}};
      if (on) missing[name] = true;
    }
    ASSERT_EQ(allowed_by_core(configured(flagged(objects, "base"))), allowed_by_hand(states, "base"))
        << objects.dump();
    states["useMultiTieredAI"] = true;
    ASSERT_EQ(allowed_by_core(configured(flagged(missing, "base"))), allowed_by_hand(states, "base"))
        << missing.dump();
  }
}

TEST(Flags, NoFlagsMeansWhateverIsConfiguredIsOn) {
  json config = config_of(kEverything);
  const std::string request = R"({"tier":"user","context":{"useCompanyModel":true,"useAbstraction":true}})";
  const char* const all = "user company abstraction base router openai mock";
  EXPECT_EQ(order(planned(configured(config), request_of(json::parse(request)))), all);
  config["flags"] = nullptr;
  EXPECT_EQ(order(planned(configured(config), request_of(json::parse(request)))), all);
  config["flags"] = json::object();
  const json plan = planned(configured(config), request_of(json::parse(request)));
  EXPECT_EQ(order(plan), "");
  EXPECT_EQ(passed(plan),
            "user:flag-off company:flag-off abstraction:flag-off base:flag-off router:flag-off "
            "openai:flag-off mock:flag-off");
}

TEST(Flags, ReasonsNameTheFlags) {
  const struct {
    const char* flags;
    const char* name;
    const char* reason;
  } cases[] = {
      {R"({"useHuggingFaceSpaces":true,"useHFUserModel":false})", "user",
       "user: the flag useHFUserModel is off."},
      {R"({"useHuggingFaceSpaces":true})", "user",
       "user: the flag useHFUserModel is not set, which counts as off."},
      {R"({})", "user",
       "user: the flags useHuggingFaceSpaces and useHFUserModel are not set, which counts as off."},
      {R"({"useHFCompanyModel":false})", "company",
       "company: useCompanyModel is set in the context, but the flags useHuggingFaceSpaces and "
       "useHFCompanyModel are off."},
      {R"({"useHuggingFaceSpaces":true,"useHFCompanyModel":true,"useMultiTieredAI":false})", "company",
       "company: useCompanyModel is set in the context, but the flag useMultiTieredAI is off, so only the "
       "default tier "
       "base is used."},
      {R"({"useRealAI":true,"useOpenAI":{"enabled":false,"visible":true}})", "openai",
       "openai: the flag useOpenAI is off."},
      {R"({"useRealAI":false,"useHuggingFaceSpaces":true})", "router", "router: the flag useRealAI is off."},
      {R"({"useMockAI":false})", "mock", "mock: the flag useMockAI is off."},
      {R"({"useMockAI":true})", "mock",
       "mock: a stand-in whose reply is made up and labelled as a mock; always last."},
      {R"({"useHuggingFaceSpaces":true,"useHFCompanyModel":true,"other":"x","third":null})", "company",
       "company: useCompanyModel is set in the context."},
  };
  for (const auto& row : cases) {
    json config = config_of(kEverything);
    config["flags"] = json::parse(row.flags);
    const json plan = planned(configured(config), request_of({{"context", {{"useCompanyModel", true}}}}));
    EXPECT_EQ(reason_of(plan, row.name), row.reason) << row.flags;
  }
}

// Preference.

TEST(Preference, SpeedAndCostReorderWhatIsKnown) {
  const Tiers tiers = configured(config_of("base company abstraction user router openai mock"));
  const Views timed = {{"space:company", measured(4000, 900)},
                       {"space:base", measured(2500, 300)},
                       {"openai", measured(1000, 450)},
                       {"mock", measured(1, 1)}};
  const Views whole = {{"space:company", measured(800, std::nullopt)}, {"space:base", measured(9000, 850)}};
  const Costs costs = {{"space:company", 0.02}, {"space:base", 0.0}, {"openai", 0.001}, {"mock", 0.0}};
  const struct {
    const char* request;
    const Views* views;
    const char* order;
  } cases[] = {
      {R"({"prefer":"quality"})", &timed, "company base router openai mock"},
      {R"({"prefer":"speed"})", &timed, "base openai router company mock"},
      {R"({"prefer":"speed","mode":"background"})", &timed, "openai base router company mock"},
      // No first part was measured: the whole time stands for it, among interactive requests only.
      {R"({"prefer":"speed"})", &whole, "company base router openai mock"},
      {R"({"prefer":"speed","mode":"background"})", &whole, "company base router openai mock"},
      {R"({"prefer":"cost"})", &timed, "base openai router company mock"},
      {R"({"prefer":"speed","tier":"company"})", &timed, "company base router openai mock"},
      {R"({"prefer":"cost","tier":"company"})", &timed, "company base router openai mock"},
      {R"({"prefer":"speed","permissions":["company"]})", &timed, "openai router company mock"},
  };
  for (const auto& row : cases) {
    json request = request_of({{"context", {{"useCompanyModel", true}}}});
    request.update(json::parse(row.request));
    const json plan = planned(tiers, request, *row.views, costs);
    EXPECT_EQ(order(plan), row.order) << row.request;
    EXPECT_EQ(plan.at("tier"), "company");
  }
  json request = request_of({{"context", {{"useCompanyModel", true}}}, {"prefer", "speed"}});
  json plan = planned(tiers, request, timed, costs);
  EXPECT_EQ(reason_of(plan, "base"),
            "base: the default tier; fastest first: usually 300 ms to the first part.");
  EXPECT_EQ(reason_of(plan, "router"),
            "router: a provider, for when no Space answers; fastest first, but its speed is not known yet, "
            "so it keeps "
            "its place.");
  request["mode"] = "background";
  EXPECT_EQ(reason_of(planned(tiers, request, timed, costs), "company"),
            "company: useCompanyModel is set in the context; fastest first: usually 4.00 s.");
  request["prefer"] = "cost";
  plan = planned(tiers, request, timed, costs);
  EXPECT_EQ(reason_of(plan, "openai"),
            "openai: a provider, for when no Space answers; lowest cost first: about $0.0010.");
  EXPECT_EQ(reason_of(plan, "base"), "base: the default tier; lowest cost first: about $0.");
  EXPECT_EQ(reason_of(plan, "mock"),
            "mock: a stand-in whose reply is made up and labelled as a mock; always last.");
}

TEST(Preference, EqualAndUnknownKeepTheirPlaces) {
  const Tiers tiers = configured(config_of("base company router openai"));
  const json request =
      request_of({{"tier", "base"}, {"context", {{"useCompanyModel", true}}}, {"prefer", "speed"}});
  EXPECT_EQ(order(planned(tiers, request)), "base company router openai");
  const Views same = {
      {"space:company", measured(5, 5)}, {"router", measured(5, 5)}, {"openai", measured(5, 5)}};
  EXPECT_EQ(order(planned(tiers, request, same)), "base company router openai");
}

TEST(Preference, CostIsAskedOnlyWhenItCounts) {
  const Tiers tiers = configured(config_of(kEverything));
  int asked = 0;
  const Survey survey{.health = [](const Target&) { return in_state(Availability::kReady); },
                      .cost = [&asked](const Target&) -> std::optional<double> {
                        ++asked;
                        return std::nullopt;
                      }};
  for (const char* prefer : {"quality", "speed"}) {
    ASSERT_TRUE(tiers.plan(request_of({{"prefer", prefer}}), survey));
    EXPECT_EQ(asked, 0) << prefer;
  }
  ASSERT_TRUE(tiers.plan(request_of({{"prefer", "cost"}}), survey));
  EXPECT_EQ(asked, 3);
}

// Health.

TEST(PlanHealth, DecidesWhoIsTriedAndWhen) {
  using enum Availability;
  const Tiers real = configured(config_of("base company openai"));
  const Tiers with_mock = configured(config_of("base company openai mock"));
  const Tiers lone = configured(config_of("company mock"));
  const Tiers spaces = configured(config_of("base company"));
  const struct {
    const char* name;
    const Tiers* tiers;
    Views views;
    const char* request;
    const char* order;
    const char* passed;
  } cases[] = {
      {"ready and unknown keep their place",
       &real,
       {{"space:company", in_state(kReady)}},
       "{}",
       "company base openai",
       ""},
      {"unavailable is passed over",
       &real,
       {{"space:company", in_state(kUnavailable)}},
       "{}",
       "base openai",
       "company:unavailable"},
      {"unavailable is never a last resort",
       &spaces,
       {{"space:company", in_state(kUnavailable)}, {"space:base", in_state(kUnavailable)}},
       "{}",
       "",
       "company:unavailable base:unavailable"},
      {"cooling is passed over",
       &real,
       {{"space:company", cooling_for(5000)}},
       "{}",
       "base openai",
       "company:cooling-down"},
      {"cooling is passed over even when named",
       &real,
       {{"space:company", cooling_for(5000)}},
       R"({"tier":"company"})",
       "base openai",
       "company:cooling-down"},
      {"the soonest back is tried when nothing is left",
       &real,
       {{"space:company", cooling_for(9000)},
        {"space:base", cooling_for(4000)},
        {"openai", cooling_for(7000)}},
       "{}",
       "base",
       "company:cooling-down openai:cooling-down"},
      {"of two back at once the first",
       &spaces,
       {{"space:company", cooling_for(9)}, {"space:base", cooling_for(9)}},
       "{}",
       "company",
       "base:cooling-down"},
      {"a sleeping one is something left",
       &spaces,
       {{"space:company", cooling_for(9)}, {"space:base", in_state(kAsleep)}},
       "{}",
       "base",
       "company:cooling-down"},
      {"the mock is something left",
       &with_mock,
       {{"space:company", cooling_for(9)},
        {"space:base", cooling_for(9)},
        {"openai", in_state(kUnavailable)}},
       "{}",
       "mock",
       "openai:unavailable company:cooling-down base:cooling-down"},
      {"probing keeps its place",
       &real,
       {{"space:company", in_state(kProbing)}},
       "{}",
       "company base openai",
       ""},
      {"asleep goes behind the awake, before the mock",
       &with_mock,
       {{"space:company", in_state(kAsleep)}},
       "{}",
       "base openai company mock",
       ""},
      {"starting likewise",
       &with_mock,
       {{"space:company", in_state(kStarting)}},
       "{}",
       "base openai company mock",
       ""},
      {"named and asleep likewise",
       &with_mock,
       {{"space:company", in_state(kAsleep)}},
       R"({"tier":"company"})",
       "base openai company mock",
       ""},
      {"several asleep keep their order",
       &real,
       {{"space:company", in_state(kAsleep)}, {"space:base", in_state(kStarting)}},
       "{}",
       "openai company base",
       ""},
      {"all asleep keep their order",
       &spaces,
       {{"space:company", in_state(kAsleep)}, {"space:base", in_state(kStarting)}},
       "{}",
       "company base",
       ""},
      {"the mock is not awake enough",
       &lone,
       {{"space:company", in_state(kAsleep)}},
       "{}",
       "company mock",
       "base:not-configured"},
      {"waiting keeps the place",
       &with_mock,
       {{"space:company", in_state(kAsleep)}},
       R"({"wake":"wait"})",
       "company base openai mock",
       ""},
      {"background keeps the place",
       &with_mock,
       {{"space:company", in_state(kAsleep)}},
       R"({"mode":"background"})",
       "company base openai mock",
       ""},
      {"an awake one that cools is no help",
       &spaces,
       {{"space:company", in_state(kAsleep)}, {"space:base", cooling_for(9)}},
       "{}",
       "company",
       "base:cooling-down"},
      {"a fast sleeper still goes behind",
       &real,
       {{"space:company", in_state(kReady)},
        {"space:base",
         [] {
           HealthView view = measured(1, 1);
           view.availability = kAsleep;
           return view;
         }()}},
       R"({"prefer":"speed"})",
       "company openai base",
       ""},
  };
  for (const auto& row : cases) {
    json request = request_of({{"context", {{"useCompanyModel", true}}}});
    request.update(json::parse(row.request));
    const json plan = planned(*row.tiers, request, row.views);
    EXPECT_EQ(order(plan), row.order) << row.name;
    EXPECT_EQ(passed(plan), row.passed) << row.name;
    for (const json& entry : plan.at("targets")) {
      const auto view = row.views.find(entry.at("target").get<std::string>());
      const bool probing = view != row.views.end() && view->second.availability == kProbing;
      EXPECT_EQ(entry.contains("probe"), probing) << row.name;
      EXPECT_EQ(entry.value("probe", false), probing) << row.name;
    }
  }
}

TEST(PlanHealth, ReasonsForPeople) {
  using enum Availability;
  const Tiers tiers = configured(config_of("base company"));
  HealthView paused = in_state(kUnavailable);
  paused.message = "company Space is paused: its owner has to restart it.";
  HealthView busy = cooling_for(8000);
  busy.message = "company Space is left alone for another 8 s: it is overloaded.";
  HealthView gone = in_state(kUnavailable);
  gone.message = "The Hub knows no such Space.";
  const struct {
    HealthView company;
    HealthView base;
    const char* wake;
    const char* reason;
  } cases[] = {
      {cooling_for(11'001),
       {},
       "fallback",
       "company: useCompanyModel is set in the context. It failed and is left alone for another 12 s."},
      {cooling_for(0),
       {},
       "fallback",
       "company: useCompanyModel is set in the context. It failed and is left alone for another 1 s."},
      {cooling_for(5000), in_state(kUnavailable), "fallback",
       "company: useCompanyModel is set in the context. It failed and is left alone for another 5 s. It is "
       "tried all the "
       "same: nothing else is left."},
      {busy,
       {},
       "fallback",
       "company: useCompanyModel is set in the context. company Space is left alone for another 8 s: it is "
       "overloaded."},
      {in_state(kProbing),
       {},
       "fallback",
       "company: useCompanyModel is set in the context; this call finds out whether it is back."},
      {in_state(kAsleep),
       {},
       "fallback",
       "company: useCompanyModel is set in the context; it is asleep, so targets that are awake come first."},
      {in_state(kStarting),
       {},
       "wait",
       "company: useCompanyModel is set in the context; it is starting and has to wake first."},
      {in_state(kUnavailable), {}, "fallback", "company: it cannot serve at the moment."},
      {paused, {}, "fallback", "company Space is paused: its owner has to restart it."},
      {gone, {}, "fallback", "company: The Hub knows no such Space."},
  };
  for (const auto& row : cases) {
    const json request = request_of({{"context", {{"useCompanyModel", true}}}, {"wake", row.wake}});
    const json plan = planned(tiers, request, {{"space:company", row.company}, {"space:base", row.base}});
    EXPECT_EQ(reason_of(plan, "company"), row.reason);
  }
}

TEST(PlanHealth, ThePlanFollowsTheBookAndThePrices) {
  json config = config_of("base company openai");
  config["targets"][0]["model"] = "small";
  config["targets"][2]["model"] = "large";
  config["prices"] = {
      {"providers",
       {{"space", {{"models", {{"small", {{"inputPer1K", 0.1}, {"outputPer1K", 0.1}}}}}}},
        {"openai", {{"models", {{"large", {{"inputPer1K", 0.01}, {"outputPer1K", 0.01}}}}}}}}}};
  const Tiers tiers = configured(config);
  HealthBook health;
  ASSERT_TRUE(health.configure(config));
  reply::Prices prices;
  ASSERT_TRUE(prices.configure(config));
  const auto plan_at = [&](double now, const json& extra = json::object()) {
    json request = request_of({{"context", {{"useCompanyModel", true}}}, {"now", now}});
    request.update(extra);
    const auto plan = tiers.plan(request, health, prices);
    EXPECT_TRUE(plan);
    return json::parse(plan.value());
  };
  EXPECT_EQ(order(plan_at(kNow)), "company base openai");
  // company's model has no price: it keeps its place.
  EXPECT_EQ(order(plan_at(kNow, {{"prefer", "cost"}})), "company openai base");

  const auto succeeded = [&health](const char* target, double total, double first_part) {
    ASSERT_TRUE(health.succeeded(
        {{"target", target}, {"totalMs", total}, {"firstPartMs", first_part}, {"now", kNow}}));
  };
  succeeded("space:company", 3000, 900);
  succeeded("space:base", 2000, 100);
  succeeded("openai", 1000, 500);
  EXPECT_EQ(order(plan_at(kNow, {{"prefer", "speed"}})), "base openai company");
  EXPECT_EQ(order(plan_at(kNow, {{"prefer", "speed"}, {"mode", "background"}})), "openai base company");

  const auto saw = [&health](const char* stage, double now) {
    ASSERT_TRUE(health.stage(
        {{"target", "space:company"}, {"stage", stage}, {"polls", 1}, {"startedAt", now}, {"now", now}}));
  };
  saw("SLEEPING", kNow);
  EXPECT_EQ(order(plan_at(kNow)), "base openai company");
  EXPECT_EQ(order(plan_at(kNow, {{"wake", "wait"}})), "company base openai");
  saw("PAUSED", kNow);
  EXPECT_EQ(order(plan_at(kNow)), "base openai");
  EXPECT_EQ(passed(plan_at(kNow)), "company:unavailable");
  saw("RUNNING", kNow);
  EXPECT_EQ(order(plan_at(kNow)), "company base openai");

  ASSERT_TRUE(
      health.failed({{"target", "space:company"},
                     {"facts", {{"kind", "http"}, {"status", 429}, {"headers", {{"retry-after", "20"}}}}},
                     {"attempt", 1},
                     {"attempts", 1},
                     {"shown", false},
                     {"more", true},
                     {"startedAt", kNow},
                     {"deadline", kNow + 60'000},
                     {"now", kNow},
                     {"random", 0.5}}));
  EXPECT_EQ(passed(plan_at(kNow + 1000)), "company:cooling-down");
  EXPECT_NE(reason_of(plan_at(kNow + 1000), "company").find("19 s"), std::string::npos)
      << reason_of(plan_at(kNow + 1000), "company");
  const json back = plan_at(kNow + 21'000);
  EXPECT_EQ(order(back), "company base openai");
  EXPECT_EQ(back.at("targets").at(0).value("probe", false), true);

  EXPECT_EQ(tiers.plan(request_of({{"tier", "royal"}}), health, prices).error().code, "unknown-tier");
}

// Refused requests.

json context_nested(std::size_t levels) {
  json context = json::object();
  for (std::size_t level = 1; level < levels; ++level) context = {{"a", std::move(context)}};
  return context;
}

TEST(PlanRequest, BadInputIsRefusedByName) {
  const Tiers tiers = configured(config_of(kEverything));
  const struct {
    const char* member;
    const char* value;
    const char* code;
    const char* field;
  } cases[] = {
      {"tier", "\"compny\"", "unknown-tier", "tier"},
      {"tier", "\"Base\"", "unknown-tier", "tier"},
      {"tier", "\"\"", "unknown-tier", "tier"},
      {"tier", "3", "unknown-tier", "tier"},
      {"tier", "{}", "unknown-tier", "tier"},
      {"permissions", "\"base\"", "invalid-input", "permissions"},
      {"permissions", "{}", "invalid-input", "permissions"},
      {"permissions", "[\"base\",\"root\"]", "unknown-tier", "permissions[1]"},
      {"permissions", "[null]", "unknown-tier", "permissions[0]"},
      {"context", "[]", "invalid-input", "context"},
      {"context", "\"general\"", "invalid-input", "context"},
      {"context", "7", "invalid-input", "context"},
      {"mode", "\"batch\"", "invalid-input", "mode"},
      {"mode", "1", "invalid-input", "mode"},
      {"prefer", "\"cheap\"", "invalid-input", "prefer"},
      {"prefer", "[]", "invalid-input", "prefer"},
      {"wake", "true", "invalid-input", "wake"},
      {"inputTokens", "-1", "invalid-input", "inputTokens"},
      {"inputTokens", "\"5\"", "invalid-input", "inputTokens"},
      {"outputTokens", "[]", "invalid-input", "outputTokens"},
      {"now", "null", "invalid-input", "now"},
      {"now", "\"today\"", "invalid-input", "now"},
  };
  for (const auto& row : cases) {
    json request = request_of();
    request[row.member] = json::parse(row.value);
    const auto plan = tiers.plan(request, survey_of({}));
    ASSERT_FALSE(plan) << row.member << " = " << row.value;
    EXPECT_EQ(plan.error().code, row.code) << row.member << " = " << row.value;
    EXPECT_EQ(plan.error().field, row.field) << row.member << " = " << row.value;
    EXPECT_EQ(plan.error().message.back(), '.') << plan.error().message;
  }
  for (const json& request : {json(nullptr), json::array(), json("x"), json(1)}) {
    EXPECT_EQ(tiers.plan(request, survey_of({})).error().code, "invalid-input");
  }
  json infinite = request_of();
  infinite["now"] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(tiers.plan(infinite, survey_of({})).error().field, "now");
}

TEST(PlanRequest, MessagesQuoteLongInputCutAtACharacter) {
  const Tiers tiers = configured(config_of("base"));
  std::string tier = "company-";
  for (int count = 0; count < 1000; ++count) tier += "é";
  const auto plan = tiers.plan(request_of({{"tier", tier}}), survey_of({}));
  ASSERT_FALSE(plan);
  EXPECT_LT(plan.error().message.size(), 150U);
  EXPECT_TRUE(tierwise::valid_utf8(plan.error().message));
  EXPECT_EQ(tiers.plan(request_of({{"tier", "compny"}}), survey_of({})).error().message,
            "tier is \"compny\". Use one of base, company, abstraction, user.");
}

TEST(PlanRequest, ContextIsBoundedExactly) {
  const Tiers tiers = configured(config_of("base"));
  const auto code = [&tiers](json context) {
    const auto plan = tiers.plan(request_of({{"context", std::move(context)}}), survey_of({}));
    return plan ? std::string_view("planned") : plan.error().code;
  };
  EXPECT_EQ(code(context_nested(32)), "planned");
  EXPECT_EQ(code(context_nested(33)), "too-deep");
  EXPECT_EQ(code(context_nested(90)), "too-deep");
  // {"a":"…"} is eight bytes around its text.
  EXPECT_EQ(code({{"a", std::string(kMaxContextBytes - 8, 'x')}}), "planned");
  EXPECT_EQ(code({{"a", std::string(kMaxContextBytes - 7, 'x')}}), "too-large");
  // Every kind of value and escape, filled up to the limit by one that is known.
  for (const char* text :
       {R"([])", R"({})", R"([1,-2.5,true,false,null,[],{}])", R"({"k\n\"\\\u0001":"\t\b\f\r\u001f é"})",
        R"(18446744073709551615)", R"([[1,2],[3]])"}) {
    json context = {{"b", json::parse(text)}, {"c", ""}};
    const std::size_t room = kMaxContextBytes - context.dump().size();
    context["c"] = std::string(room, 'x');
    ASSERT_EQ(context.dump().size(), kMaxContextBytes);
    EXPECT_EQ(code(context), "planned") << text;
    context["c"] = std::string(room + 1, 'x');
    EXPECT_EQ(code(context), "too-large") << text;
  }
  EXPECT_EQ(code({{"a", json(200'000, 1)}}), "too-large");
}

// Whatever comes in.

// Replaces each part of a good document by each of these, and expects an answer: a value, or an error that is
// one.
template <typename Accept>
void with_every_part_replaced(const json& good, Accept accept) {
  const json odd[] = {nullptr,
                      true,
                      -1,
                      1e300,
                      "",
                      "base",
                      "\xF0\x9F\x98\x80",
                      json::array(),
                      json::object(),
                      json::array({1}),
                      {{"fact", "mode"}},
                      nested(40)};
  const json flat = good.flatten();
  std::set<std::string> places;
  for (const auto& entry : flat.items()) {
    for (std::string place = entry.key(); !place.empty(); place.resize(place.rfind('/')))
      places.insert(place);
  }
  for (const std::string& place : places) {
    for (const json& value : odd) {
      json changed = good;
      changed[json::json_pointer(place)] = value;
      accept(changed, place + " = " + value.dump());
    }
  }
}

TEST(Tiers, NoConfigurationBreaksIt) {
  json config = config_of("base company mock");
  config["flags"] = {{"useOpenAI", true}, {"useMockAI", {{"enabled", true}, {"visible", false}}}};
  int refused = 0;
  with_every_part_replaced(config, [&refused](const json& changed, const std::string& what) {
    Tiers tiers;
    const auto done = tiers.configure(changed);
    if (done) {
      planned(tiers, request_of({{"tier", "user"}}));
      return;
    }
    ++refused;
    EXPECT_EQ(done.error().code, "invalid-config") << what;
    EXPECT_FALSE(done.error().field.empty()) << what;
  });
  EXPECT_GT(refused, 100);
}

TEST(Tiers, NoRequestBreaksIt) {
  const Tiers tiers = configured(config_of(kEverything));
  const json request = request_of(
      {{"tier", "company"}, {"permissions", {"base", "company"}}, {"context", {{"a", {{"b", 1}}}}}});
  int refused = 0;
  with_every_part_replaced(request, [&tiers, &refused](const json& changed, const std::string& what) {
    const auto plan = tiers.plan(changed, survey_of({}));
    if (plan) return;
    ++refused;
    EXPECT_FALSE(plan.error().code.empty()) << what;
    EXPECT_FALSE(plan.error().field.empty()) << what;
  });
  EXPECT_GT(refused, 50);
}

TEST(Tiers, PromisesHoldForRandomSituations) {
  // mt19937's output is fixed by the standard; distributions are not.
  std::mt19937 numbers(20240611);
  const auto pick = [&numbers](std::size_t count) { return static_cast<std::size_t>(numbers()) % count; };
  const std::string names[] = {"base", "company", "abstraction", "user", "router", "openai", "mock"};
  for (int round = 0; round < 1000; ++round) {
    std::string chosen;
    std::set<std::string> configured_names;
    Views views;
    Costs costs;
    for (const std::string& name : names) {
      if (pick(4) == 0) continue;
      chosen += name + " ";
      configured_names.insert(name);
      const std::string id = tier_named(name) ? "space:" + name : name;
      HealthView view = in_state(static_cast<Availability>(pick(7)));
      view.cooling_until = kNow + static_cast<double>(pick(100'000));
      if (pick(2) == 0) view.p50_ms = static_cast<double>(pick(5000));
      if (pick(2) == 0) view.first_part_p50_ms = static_cast<double>(pick(5000));
      views[id] = view;
      if (pick(2) == 0) costs[id] = static_cast<double>(pick(100)) / 1000;
    }
    json config = config_of(chosen);
    config["defaultTier"] = std::string(tier_name(kTiers[pick(4)]));
    if (pick(2) == 0) {
      config["flags"] = json::object();
      for (const std::string& flag : kFlagNames) {
        if (pick(5) != 0) config["flags"][flag] = pick(4) != 0;
      }
    }
    json request =
        request_of({{"mode", pick(2) == 0 ? "interactive" : "background"},
                    {"prefer", std::vector<std::string>{"quality", "speed", "cost"}[pick(3)]},
                    {"wake", pick(2) == 0 ? "fallback" : "wait"},
                    {"context", {{"useCompanyModel", pick(2) == 0}, {"useAbstraction", pick(2) == 0}}}});
    if (pick(2) == 0) request["tier"] = std::string(tier_name(kTiers[pick(4)]));
    if (pick(3) == 0) {
      request["permissions"] = json::array();
      for (const Tier tier : kTiers) {
        if (pick(2) == 0) request["permissions"].push_back(std::string(tier_name(tier)));
      }
    }
    const json plan = planned(configured(config), request, views, costs);
    SCOPED_TRACE(::testing::Message() << config << request << plan);

    std::multiset<std::string> told;
    bool waking_seen = false;
    std::size_t cooling_taken = 0;
    for (const char* list : {"targets", "passedOver"}) {
      for (const json& entry : plan.at(list)) {
        const std::string name = short_name(entry);
        const std::string reason = entry.at("reason").get<std::string>();
        ASSERT_TRUE(reason.starts_with(name) && reason.ends_with(".")) << reason;
        if (configured_names.count(name) == 1) told.insert(name);
      }
    }
    // Each configured target is told of once.
    ASSERT_EQ(told.size(), configured_names.size());
    ASSERT_EQ(std::set<std::string>(told.begin(), told.end()), configured_names);
    const json& taken = plan.at("targets");
    for (std::size_t place = 0; place < taken.size(); ++place) {
      const std::string name = short_name(taken[place]);
      const Availability state = views.at(taken[place].at("target").get<std::string>()).availability;
      ASSERT_NE(state, Availability::kUnavailable);
      if (state == Availability::kCooling) ++cooling_taken;
      ASSERT_EQ(taken[place].contains("probe"), state == Availability::kProbing);
      ASSERT_TRUE(name != "mock" || place + 1 == taken.size());
      if (tier_named(name) && request.contains("permissions")) {
        ASSERT_NE(std::find(request["permissions"].begin(), request["permissions"].end(), name),
                  request["permissions"].end());
      }
      if (request["mode"] == "interactive" && request["wake"] == "fallback" && name != "mock") {
        const bool waking = state == Availability::kAsleep || state == Availability::kStarting;
        ASSERT_TRUE(waking || !waking_seen);
        waking_seen = waking;
      }
    }
    ASSERT_TRUE(cooling_taken == 0 || taken.size() == 1);
    // Named, taken and awake: first.
    if (request.contains("tier")) {
      for (const json& entry : taken) {
        const Availability state = views.at(entry.at("target").get<std::string>()).availability;
        if (entry.at("provider") == "space" && entry.at("tier") == request["tier"] &&
            state != Availability::kAsleep && state != Availability::kStarting) {
          ASSERT_EQ(short_name(taken[0]), request["tier"].get<std::string>());
        }
      }
    }
  }
}

TEST(Phrase, Words) {
  EXPECT_EQ(latency_phrase(0), "0 ms");
  EXPECT_EQ(latency_phrase(38.4), "38 ms");
  EXPECT_EQ(latency_phrase(999.4), "999 ms");
  EXPECT_EQ(latency_phrase(999.6), "1.00 s");
  EXPECT_EQ(latency_phrase(1236), "1.24 s");
  EXPECT_EQ(latency_phrase(-5), "0 ms");
  EXPECT_EQ(wait_phrase(-5), "1 s");
  EXPECT_EQ(wait_phrase(11'001), "12 s");
  EXPECT_EQ(wait_phrase(119'000), "119 s");
  EXPECT_EQ(wait_phrase(120'000), "2 min");
  EXPECT_EQ(wait_phrase(120'001), "3 min");
  EXPECT_EQ(wait_phrase(7'200'000), "2 h");
  EXPECT_EQ(wait_phrase(1e300), wait_phrase(1e18));
  EXPECT_EQ(dollars_phrase(0), "$0");
  EXPECT_EQ(dollars_phrase(-1), "$0");
  EXPECT_EQ(dollars_phrase(1.25), "$1.25");
  EXPECT_EQ(dollars_phrase(0.0123), "$0.01");
  EXPECT_EQ(dollars_phrase(0.00124), "$0.0012");
  EXPECT_EQ(dollars_phrase(0.00996), "$0.010");
  EXPECT_EQ(dollars_phrase(0.000001), "$0.0000010");
  EXPECT_EQ(dollars_phrase(1e-30), "$0.000000000000");
  EXPECT_EQ(in_quotes("short"), "\"short\"");
  EXPECT_EQ(in_quotes(std::string(39, 'a') + "é…"), "\"" + std::string(39, 'a') + "…\"");
}

}  // namespace
}  // namespace tierwise::route
