#include "route/tiers.h"

#include <algorithm>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "base/rank.h"
#include "base/text.h"
#include "route/phrase.h"
#include "route/plan_request.h"

namespace tierwise::route {
namespace {

using Prefer = PlanRequest::Prefer;

// A tier the request may be answered by, in the order of wishing.
struct Wish {
  Tier tier;
  // A clause: "useCompanyModel is set in the context".
  std::string_view because;
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
std::string sentence(std::string_view subject, std::string_view clause) {
  while (!clause.empty() && (clause.back() == '.' || clause.back() == ' ')) clause.remove_suffix(1);
  return fill("{}: {}.", {subject, clause});
}

// The message of the health book is a sentence already, and as a rule begins with the name: "company Space is
// paused…"
std::string unavailable(const Target& target, const std::string& message) {
  const std::string_view name = label(target);
  if (message.size() > name.size() && message.starts_with(name)) return message;
  return sentence(name, message.empty() ? std::string_view("it cannot serve at the moment") : message);
}

// Plans one request. Holds references to the configuration and the request for that long.
class Planner {
 public:
  Planner(const PlanRequest& request, const Survey& survey, const Rules& rules, const Flags& flags, Tier default_tier,
          const std::list<Target>& targets)
      : request_(request),
        survey_(survey),
        rules_(rules),
        flags_(flags),
        default_tier_(default_tier),
        targets_(targets) {}

  std::string plan() {
    make_wishes();
    tier_ = answering_tier();
    plan_.open('{').text("tier", tier_name(tier_)).name("passedOver").open('[');
    for (const Wish& wish : wishes_) consider_space(wish);
    pass_over_unwished_spaces();
    for (const Target& target : targets_) {
      if (target.provider != Provider::kSpace) consider_provider(target);
    }
    // Whatever the order of the config.
    sort_candidates([](const Candidate& candidate) { return static_cast<double>(candidate.target->provider); });
    apply_preference();
    put_waking_after_awake();
    take_soonest_cooling_if_alone();
    plan_.close(']');
    write_targets();
    return plan_.close('}').take();
  }

 private:
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
                 .targets = targets_,
                 .health = survey_.health};
  }

  const Wish* wish_for(Tier tier) const {
    for (const Wish& wish : wishes_) {
      if (wish.tier == tier) return &wish;
    }
    return nullptr;
  }

  void wish(Tier tier, std::string_view because, bool fallback = false) {
    if (wish_for(tier) == nullptr) wishes_.push_back({tier, because, false, fallback});
  }

  void make_wishes() {
    if (request_.tier) {
      wish(*request_.tier, "asked for by name");
      wishes_.back().by_name = true;
    }
    const Facts known = facts();
    for (const Rule& rule : rules_.list) {
      if (wish_for(rule.tier) == nullptr && rule.applies(known)) wish(rule.tier, rule.because);
    }
    wish(default_tier_, "the default tier");
    for (const Tier tier : rules_.fallback) wish(tier, "stands in when the tiers before it do not answer", true);
  }

  // The first wish whose Space may be used; without one the first permitted wish, which a provider then
  // answers.
  Tier answering_tier() const {
    for (const Wish& wish : wishes_) {
      const Target* space = space_of(targets_, wish.tier);
      if (space != nullptr && request_.permits(wish.tier) && !flags_.objection(*space, default_tier_)) return wish.tier;
    }
    for (const Wish& wish : wishes_) {
      if (request_.permits(wish.tier)) return wish.tier;
    }
    return default_tier_;
  }

  void consider_space(const Wish& wish) {
    const Target* space = space_of(targets_, wish.tier);
    const auto but = [&](std::string_view why_not) {
      return sentence(tier_name(wish.tier), fill("{}, but {}", {wish.because, why_not}));
    };
    if (space == nullptr) {
      if (wish.fallback) return;
      const std::string reason = but("no Space is configured for this tier");
      pass_over(fill("space:{}", {tier_name(wish.tier)}), Provider::kSpace, wish.tier, "not-configured", reason);
      return;
    }
    if (const auto objection = flags_.objection(*space, default_tier_)) {
      pass_over(*space, "flag-off", but(*objection));
    } else if (!request_.permits(wish.tier)) {
      pass_over(*space, "not-permitted", but("the permissions of this request leave it out"));
    } else {
      consider_health(*space, wish.because, wish.by_name);
    }
  }

  void pass_over_unwished_spaces() {
    for (const Tier tier : kTiers) {
      const Target* space = space_of(targets_, tier);
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

  std::string_view why_not_wished(Tier tier) const {
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

  void consider_health(const Target& target, std::string_view because, bool pinned) {
    const HealthView health = survey_.health(target);
    if (health.availability == Availability::kUnavailable) {
      pass_over(target, "unavailable", unavailable(target, health.message));
      return;
    }
    auto& list = health.availability == Availability::kCooling ? cooling_ : candidates_;
    list.push_back({&target, std::string(because), health, pinned});
  }

  // Why it was wanted and why it is left alone, each a sentence.
  std::string left_alone(const Candidate& candidate) const {
    const HealthView& health = candidate.health;
    const std::string wanted = sentence(label(*candidate.target), candidate.because);
    if (!health.message.empty()) return fill("{} {}", {wanted, health.message});
    return fill("{} It failed and is left alone for another {}.",
                {wanted, wait_phrase(health.cooling_until - request_.now)});
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
      return value ? fill("; lowest cost first: about {}", {dollars_phrase(*value)})
                   : "; lowest cost first, but its price is not known, so it keeps its place";
    }
    if (!value) return "; fastest first, but its speed is not known yet, so it keeps its place";
    const bool first_part = request_.interactive && candidate.health.first_part_p50_ms;
    return fill("; fastest first: usually {}{}", {latency_phrase(*value), first_part ? " to the first part" : ""});
  }

  // By rank, the lowest first; equals keep their order.
  template <typename RankOf>
  void sort_candidates(RankOf rank_of) {
    std::vector<Rank> ranks;
    for (const Candidate& candidate : candidates_) {
      ranks.push_back({rank_of(candidate), static_cast<std::uint32_t>(ranks.size())});
    }
    sort_ranks(ranks);
    put_in_order(ranks);
  }

  void put_in_order(const std::vector<Rank>& ranks) {
    std::vector<std::list<Candidate>::iterator> places;
    for (auto place = candidates_.begin(); place != candidates_.end(); ++place) places.push_back(place);
    for (const Rank& rank : ranks) candidates_.splice(candidates_.end(), candidates_, places[rank.place]);
  }

  // Sorts the real targets whose measure is known among the places they hold; the others stay where they are.
  void apply_preference() {
    const auto movable = [](const Candidate& candidate) { return !candidate.pinned && !is_mock(*candidate.target); };
    const auto choices = std::count_if(candidates_.begin(), candidates_.end(), movable);
    if (request_.prefer == Prefer::kQuality || choices < 2) return;
    std::vector<Rank> order;
    std::vector<Rank> known;
    for (Candidate& candidate : candidates_) {
      const auto place = static_cast<std::uint32_t>(order.size());
      order.push_back({0, place});
      if (!movable(candidate)) continue;
      const auto value = measure(candidate);
      candidate.because += measured(candidate, value);
      if (value) known.push_back({*value, place});
    }
    std::vector<Rank> sorted = known;
    sort_ranks(sorted);
    for (std::size_t i = 0; i < known.size(); ++i) order[known[i].place] = sorted[i];
    put_in_order(order);
  }

  // A Space that must wake first is still in the plan, so that it is woken when those before it fail.
  void put_waking_after_awake() {
    bool another_is_awake = false;
    for (const Candidate& candidate : candidates_) {
      another_is_awake = another_is_awake || (!is_mock(*candidate.target) && !is_waking(candidate.health));
    }
    const bool goes_back = request_.fall_back_while_waking && request_.interactive && another_is_awake;
    for (Candidate& candidate : candidates_) {
      if (!is_waking(candidate.health)) continue;
      candidate.because +=
          fill("; it is {}{}", {candidate.health.availability == Availability::kAsleep ? "asleep" : "starting",
                                goes_back ? ", so targets that are awake come first" : " and has to wake first"});
    }
    if (!goes_back) return;
    sort_candidates([](const Candidate& candidate) {
      if (is_mock(*candidate.target)) return 2.0;
      return is_waking(candidate.health) ? 1.0 : 0.0;
    });
  }

  void take_soonest_cooling_if_alone() {
    const Candidate* soonest = nullptr;
    if (candidates_.empty()) {
      for (const Candidate& candidate : cooling_) {
        const bool sooner = soonest == nullptr || candidate.health.cooling_until < soonest->health.cooling_until;
        if (sooner) soonest = &candidate;
      }
    }
    for (const Candidate& candidate : cooling_) {
      if (&candidate == soonest) {
        candidates_.push_back(candidate);
      } else {
        pass_over(*candidate.target, "cooling-down", left_alone(candidate));
      }
    }
  }

  void pass_over(std::string_view id, Provider provider, Tier tier, std::string_view code, std::string_view reason) {
    tell(id, provider, tier, reason);
    plan_.text("code", code).close('}');
  }
  void pass_over(const Target& target, std::string_view code, std::string_view reason) {
    pass_over(target.id, target.provider, tier_of(target), code, reason);
  }

  Tier tier_of(const Target& target) const { return target.provider == Provider::kSpace ? target.tier : tier_; }

  std::string why_taken(const Candidate& candidate) const {
    if (candidate.health.availability == Availability::kCooling) {
      return fill("{} It is tried all the same: nothing else is left.", {left_alone(candidate)});
    }
    const bool probe = candidate.health.availability == Availability::kProbing;
    return sentence(label(*candidate.target),
                    fill(probe ? "{}; this call finds out whether it is back" : "{}", {candidate.because}));
  }

  void write_targets() {
    plan_.name("targets").open('[');
    for (const Candidate& candidate : candidates_) {
      const Target& target = *candidate.target;
      tell(target.id, target.provider, tier_of(target), why_taken(candidate));
      if (candidate.health.availability == Availability::kProbing) plan_.flag("probe", true);
      plan_.close('}');
    }
    plan_.close(']');
  }

  // What targets taken and passed over have in common; the object stays open.
  void tell(std::string_view id, Provider provider, Tier tier, std::string_view reason) {
    plan_.open('{').text("target", id).text("provider", provider_name(provider));
    plan_.text("tier", tier_name(tier)).text("reason", reason);
  }

  const PlanRequest& request_;
  const Survey& survey_;
  const Rules& rules_;
  const Flags& flags_;
  const Tier default_tier_;
  const std::list<Target>& targets_;
  const json no_context_ = json(json::value_t::object);

  Tier tier_ = Tier::kBase;
  std::list<Wish> wishes_;
  std::list<Candidate> candidates_;
  std::list<Candidate> cooling_;
  // Filled from front to back: who is passed over first, in the order of finding out.
  JsonWriter plan_;
};

}  // namespace

Result<Done> Tiers::configure(const json& config) {
  if (!config.is_object()) return make_error("invalid-config", "The configuration must be an object.", "config");
  auto rules = Rules::read(config);
  if (!rules) return rules.take_error();
  auto flags = Flags::read(config);
  if (!flags) return flags.take_error();
  const auto tier = tier_named(string_or_empty(config, "defaultTier"));
  if (!tier) return refusal("invalid-config", "defaultTier", "must be one of base, company, abstraction, user.");
  auto targets = read_targets(config);
  if (!targets) return targets.take_error();
  rules_ = std::move(rules).value();
  flags_ = std::move(flags).value();
  default_tier_ = *tier;
  targets_ = std::move(targets).value();
  return Done{};
}

Result<std::string> Tiers::plan(const json& request, const HealthBook& health, const reply::Prices& prices) const {
  auto read = PlanRequest::read(request);
  if (!read) return read.take_error();
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

Result<std::string> Tiers::plan(const json& request, const Survey& survey) const {
  auto read = PlanRequest::read(request);
  if (!read) return read.take_error();
  return Planner(read.value(), survey, rules_, flags_, default_tier_, targets_).plan();
}

}  // namespace tierwise::route
