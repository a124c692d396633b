#include "route/tiers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "route/phrase.h"
#include "route/plan_request.h"

namespace tierwise::route {
namespace {

using Prefer = PlanRequest::Prefer;

// A tier the request may be answered by, in the order of wishing.
struct Wish {
  Tier tier;
  // A clause: "useCompanyModel is set in the context".
  std::string because;
  bool by_name = false;
  // Only stands in: not worth a word when it has no Space.
  bool fallback = false;
};

struct Candidate {
  const Target* target;
  std::string because;
  HealthView health;
  // Asked for by name: no preference moves it.
  bool pinned = false;
};

bool is_mock(const Target& target) { return target.provider == Provider::kMock; }
bool is_waking(const HealthView& health) {
  return health.availability == Availability::kAsleep || health.availability == Availability::kStarting;
}

// "company: useCompanyModel is set in the context."
std::string sentence(std::string_view subject, std::string clause) {
  while (!clause.empty() && (clause.back() == '.' || clause.back() == ' ')) clause.pop_back();
  return std::string(subject) + ": " + clause + ".";
}

// The message of the health book is a sentence already, and as a rule begins with the name: "company Space is
// paused…"
std::string unavailable(const Target& target, const std::string& message) {
  const std::string_view name = label(target);
  if (message.size() > name.size() && message.starts_with(name)) return message;
  return sentence(name, message.empty() ? "it cannot serve at the moment" : message);
}

// Plans one request. Holds references to the configuration and the request for that long.
class Planner {
 public:
  Planner(const PlanRequest& request, const Survey& survey, const Rules& rules, const Flags& flags,
          Tier default_tier, const std::vector<Target>& targets)
      : request_(request),
        survey_(survey),
        rules_(rules),
        flags_(flags),
        default_tier_(default_tier),
        targets_(targets) {}

  json plan() {
    make_wishes();
    tier_ = answering_tier();
    for (const Wish& wish : wishes_) consider_space(wish);
    pass_over_unwished_spaces();
    for (const Target& target : targets_) {
      if (target.provider != Provider::kSpace) consider_provider(target);
    }
    // Whatever the order of the config.
    std::stable_sort(candidates_.begin(), candidates_.end(),
                     [](const Candidate& left, const Candidate& right) {
                       return left.target->provider < right.target->provider;
                     });
    apply_preference();
    put_waking_after_awake();
    take_soonest_cooling_if_alone();
    return written();
  }

 private:
  const Target* space_of(Tier tier) const {
    const auto found = std::find_if(targets_.begin(), targets_.end(), [tier](const Target& target) {
      return target.provider == Provider::kSpace && target.tier == tier;
    });
    return found == targets_.end() ? nullptr : &*found;
  }

  Facts facts() const {
    return Facts{.context = request_.context == nullptr ? no_context_ : *request_.context,
                 .permissions = request_.permissions,
                 .mode = request_.interactive ? "interactive" : "background",
                 .prefer = request_.prefer == Prefer::kQuality ? "quality"
                           : request_.prefer == Prefer::kSpeed ? "speed"
                                                               : "cost",
                 .input_tokens = request_.input_tokens,
                 .output_tokens = request_.output_tokens,
                 .flags = flags_,
                 .health = [this](Tier tier) -> std::optional<HealthView> {
                   const Target* space = space_of(tier);
                   if (space == nullptr) return std::nullopt;
                   return survey_.health(*space);
                 }};
  }

  const Wish* wish_for(Tier tier) const {
    const auto found =
        std::find_if(wishes_.begin(), wishes_.end(), [tier](const Wish& wish) { return wish.tier == tier; });
    return found == wishes_.end() ? nullptr : &*found;
  }

  void wish(Wish wish) {
    if (wish_for(wish.tier) == nullptr) wishes_.push_back(std::move(wish));
  }

  void make_wishes() {
    if (request_.tier) wish({.tier = *request_.tier, .because = "asked for by name", .by_name = true});
    const Facts known = facts();
    for (const Rule& rule : rules_.list) {
      if (wish_for(rule.tier) == nullptr && rule.when.holds(known))
        wish({.tier = rule.tier, .because = rule.because});
    }
    wish({.tier = default_tier_, .because = "the default tier"});
    for (const Tier tier : rules_.fallback) {
      wish({.tier = tier, .because = "stands in when the tiers before it do not answer", .fallback = true});
    }
  }

  // The first wish whose Space may be used; without one the first permitted wish, which a provider then
  // answers.
  Tier answering_tier() const {
    for (const Wish& wish : wishes_) {
      const Target* space = space_of(wish.tier);
      if (space != nullptr && request_.permits(wish.tier) && !flags_.objection(*space, default_tier_))
        return wish.tier;
    }
    for (const Wish& wish : wishes_) {
      if (request_.permits(wish.tier)) return wish.tier;
    }
    return default_tier_;
  }

  void consider_space(const Wish& wish) {
    const Target* space = space_of(wish.tier);
    const std::string_view name = tier_name(wish.tier);
    if (space == nullptr) {
      if (wish.fallback) return;
      pass_over("space:" + std::string(name), Provider::kSpace, wish.tier, "not-configured",
                sentence(name, wish.because + ", but no Space is configured for this tier"));
      return;
    }
    if (const auto objection = flags_.objection(*space, default_tier_)) {
      pass_over(*space, "flag-off", sentence(name, wish.because + ", but " + *objection));
    } else if (!request_.permits(wish.tier)) {
      pass_over(*space, "not-permitted",
                sentence(name, wish.because + ", but the permissions of this request leave it out"));
    } else {
      consider_health(*space, wish.because, wish.by_name);
    }
  }

  void pass_over_unwished_spaces() {
    for (const Tier tier : kTiers) {
      const Target* space = space_of(tier);
      if (space == nullptr || wish_for(tier) != nullptr) continue;
      const std::string_view name = tier_name(tier);
      if (const auto objection = flags_.objection(*space, default_tier_)) {
        pass_over(*space, "flag-off", sentence(name, *objection));
      } else if (!request_.permits(tier)) {
        pass_over(*space, "not-permitted", sentence(name, "the permissions of this request leave it out"));
      } else {
        pass_over(*space, "not-selected", sentence(name, why_not_wished(tier)));
      }
    }
  }

  std::string why_not_wished(Tier tier) const {
    for (const Rule& rule : rules_.list) {
      if (rule.tier == tier && !rule.otherwise.empty()) return rule.otherwise;
    }
    return "no rule chose it for this request";
  }

  void consider_provider(const Target& target) {
    if (const auto objection = flags_.objection(target, default_tier_)) {
      pass_over(target, "flag-off", sentence(label(target), *objection));
      return;
    }
    consider_health(target,
                    is_mock(target) ? "a stand-in whose reply is made up and labelled as a mock; always last"
                                    : "a provider, for when no Space answers",
                    false);
  }

  void consider_health(const Target& target, const std::string& because, bool pinned) {
    Candidate candidate{&target, because, survey_.health(target), pinned};
    const HealthView& health = candidate.health;
    if (health.availability == Availability::kUnavailable) {
      pass_over(target, "unavailable", unavailable(target, health.message));
    } else if (health.availability == Availability::kCooling) {
      cooling_.push_back(std::move(candidate));
    } else {
      candidates_.push_back(std::move(candidate));
    }
  }

  // Why it was wanted and why it is left alone, each a sentence.
  std::string left_alone(const Candidate& candidate) const {
    const HealthView& health = candidate.health;
    return sentence(label(*candidate.target), candidate.because) + " " +
           (health.message.empty() ? "It failed and is left alone for another " +
                                         wait_phrase(health.cooling_until - request_.now) + "."
                                   : health.message);
  }

  // Smaller is better; nullopt when it is not known.
  std::optional<double> measure(const Candidate& candidate) const {
    if (request_.prefer == Prefer::kCost) return survey_.cost(*candidate.target);
    // Without streaming the first part comes with the last: the whole time then stands for it, never the
    // other way round.
    const HealthView& health = candidate.health;
    return request_.interactive && health.first_part_p50_ms ? health.first_part_p50_ms : health.p50_ms;
  }

  std::string measured(const Candidate& candidate, std::optional<double> value) const {
    if (request_.prefer == Prefer::kCost) {
      return value ? "lowest cost first: about " + dollars_phrase(*value)
                   : "lowest cost first, but its price is not known, so it keeps its place";
    }
    if (!value) return "fastest first, but its speed is not known yet, so it keeps its place";
    const bool first_part = request_.interactive && candidate.health.first_part_p50_ms;
    return "fastest first: usually " + latency_phrase(*value) + (first_part ? " to the first part" : "");
  }

  // Sorts the real targets whose measure is known among the places they hold; the others stay where they are.
  void apply_preference() {
    const auto movable = [](const Candidate& candidate) {
      return !candidate.pinned && !is_mock(*candidate.target);
    };
    if (request_.prefer == Prefer::kQuality ||
        std::count_if(candidates_.begin(), candidates_.end(), movable) < 2)
      return;
    struct Measured {
      double value;
      Candidate candidate;
    };
    std::vector<std::size_t> places;
    std::vector<Measured> known;
    for (std::size_t place = 0; place < candidates_.size(); ++place) {
      Candidate& candidate = candidates_[place];
      if (!movable(candidate)) continue;
      const auto value = measure(candidate);
      candidate.because += "; " + measured(candidate, value);
      if (!value) continue;
      places.push_back(place);
      known.push_back({*value, candidate});
    }
    std::stable_sort(known.begin(), known.end(),
                     [](const Measured& left, const Measured& right) { return left.value < right.value; });
    for (std::size_t index = 0; index < places.size(); ++index) {
      candidates_[places[index]] = std::move(known[index].candidate);
    }
  }

  // A Space that must wake first is still in the plan, so that it is woken when those before it fail.
  void put_waking_after_awake() {
    const bool another_is_awake =
        std::any_of(candidates_.begin(), candidates_.end(), [](const Candidate& candidate) {
          return !is_mock(*candidate.target) && !is_waking(candidate.health);
        });
    const bool goes_back = request_.fall_back_while_waking && request_.interactive && another_is_awake;
    for (Candidate& candidate : candidates_) {
      if (!is_waking(candidate.health)) continue;
      candidate.because +=
          candidate.health.availability == Availability::kAsleep ? "; it is asleep" : "; it is starting";
      candidate.because += goes_back ? ", so targets that are awake come first" : " and has to wake first";
    }
    if (!goes_back) return;
    const auto rank = [](const Candidate& candidate) {
      if (is_mock(*candidate.target)) return 2;
      return is_waking(candidate.health) ? 1 : 0;
    };
    std::stable_sort(
        candidates_.begin(), candidates_.end(),
        [&rank](const Candidate& left, const Candidate& right) { return rank(left) < rank(right); });
  }

  void take_soonest_cooling_if_alone() {
    auto soonest = cooling_.end();
    if (candidates_.empty()) {
      soonest = std::min_element(cooling_.begin(), cooling_.end(),
                                 [](const Candidate& left, const Candidate& right) {
                                   return left.health.cooling_until < right.health.cooling_until;
                                 });
    }
    for (auto candidate = cooling_.begin(); candidate != cooling_.end(); ++candidate) {
      if (candidate == soonest) {
        candidates_.push_back(*candidate);
      } else {
        pass_over(*candidate->target, "cooling-down", left_alone(*candidate));
      }
    }
  }

  void pass_over(std::string id, Provider provider, Tier tier, std::string_view code, std::string reason) {
    json entry = told(std::move(id), provider, tier, std::move(reason));
    entry.emplace("code", std::string(code));
    passed_over_.push_back(std::move(entry));
  }
  void pass_over(const Target& target, std::string_view code, std::string reason) {
    pass_over(target.id, target.provider, tier_of(target), code, std::move(reason));
  }

  Tier tier_of(const Target& target) const {
    return target.provider == Provider::kSpace ? target.tier : tier_;
  }

  std::string why_taken(const Candidate& candidate) const {
    if (candidate.health.availability == Availability::kCooling) {
      return left_alone(candidate) + " It is tried all the same: nothing else is left.";
    }
    const bool probe = candidate.health.availability == Availability::kProbing;
    return sentence(label(*candidate.target),
                    candidate.because + (probe ? "; this call finds out whether it is back" : ""));
  }

  json written() {
    json targets = json::array();
    for (const Candidate& candidate : candidates_) {
      const Target& target = *candidate.target;
      json entry = told(target.id, target.provider, tier_of(target), why_taken(candidate));
      if (candidate.health.availability == Availability::kProbing) entry.emplace("probe", true);
      targets.push_back(std::move(entry));
    }
    json plan = json::object();
    plan.emplace("tier", std::string(tier_name(tier_)));
    plan.emplace("targets", std::move(targets));
    plan.emplace("passedOver", std::move(passed_over_));
    return plan;
  }

  // What targets taken and passed over have in common. Not from an initializer list: that would copy each
  // value.
  static json told(std::string id, Provider provider, Tier tier, std::string reason) {
    json entry = json::object();
    entry.emplace("target", std::move(id));
    entry.emplace("provider", std::string(provider_name(provider)));
    entry.emplace("tier", std::string(tier_name(tier)));
    entry.emplace("reason", std::move(reason));
    return entry;
  }

  const PlanRequest& request_;
  const Survey& survey_;
  const Rules& rules_;
  const Flags& flags_;
  const Tier default_tier_;
  const std::vector<Target>& targets_;
  const json no_context_ = json::object();

  Tier tier_ = Tier::kBase;
  std::vector<Wish> wishes_;
  std::vector<Candidate> candidates_;
  std::vector<Candidate> cooling_;
  json passed_over_ = json::array();
};

}  // namespace

Result<Done> Tiers::configure(const json& config) {
  if (!config.is_object()) return Error{"invalid-config", "The configuration must be an object.", "config"};
  auto rules = Rules::read(config);
  if (!rules) return rules.error();
  auto flags = Flags::read(config);
  if (!flags) return flags.error();
  const auto name = optional_string(config, "defaultTier");
  const auto tier = name ? tier_named(*name) : std::nullopt;
  if (!tier) {
    return Error{"invalid-config", "defaultTier must be one of base, company, abstraction, user.",
                 "defaultTier"};
  }
  auto targets = read_targets(config);
  if (!targets) return targets.error();
  rules_ = std::move(rules).value();
  flags_ = std::move(flags).value();
  default_tier_ = *tier;
  targets_ = std::move(targets).value();
  return Done{};
}

Result<json> Tiers::plan(const json& request, const HealthBook& health, const reply::Prices& prices) const {
  const auto read = PlanRequest::read(request);
  if (!read) return read.error();
  const PlanRequest& asked = read.value();
  const Survey survey{
      .health = [&health, now = asked.now](const Target& target) { return health.view(target.id, now); },
      .cost =
          [&prices, &asked](const Target& target) {
            return prices.estimate(provider_name(target.provider), target.model, asked.input_tokens,
                                   asked.output_tokens);
          }};
  return Planner(asked, survey, rules_, flags_, default_tier_, targets_).plan();
}

Result<json> Tiers::plan(const json& request, const Survey& survey) const {
  const auto read = PlanRequest::read(request);
  if (!read) return read.error();
  return Planner(read.value(), survey, rules_, flags_, default_tier_, targets_).plan();
}

}  // namespace tierwise::route
