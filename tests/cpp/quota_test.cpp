// Concurrency, rate limit and queue: cases, and random operations against a model that is too simple to be wrong.
#include "route/quota.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tierwise::route {
namespace {

json config(json quota, const char* second = nullptr) {
  json targets = json::array();
  json base = {{"id", "space:base"}, {"provider", "space"}, {"tier", "base"}};
  if (!quota.is_null()) base["quota"] = std::move(quota);
  targets.push_back(std::move(base));
  if (second != nullptr) targets.push_back({{"id", second}, {"provider", second}});
  return {{"targets", std::move(targets)}};
}

class Quota : public testing::Test {
 protected:
  void limits(json quota) { ASSERT_TRUE(bool(book.configure(config(std::move(quota))))); }

  json admit(const std::string& id, double now, const char* mode = "interactive", double deadline = 1e12) {
    auto answer = book.admit(
        {{"target", "space:base"}, {"id", id}, {"mode", mode}, {"deadline", deadline}, {"now", now}});
    EXPECT_TRUE(bool(answer)) << (answer ? "" : answer.error().message);
    return answer ? json::parse(answer.value().answer) : json();
  }
  std::string state(const std::string& id, double now, const char* mode = "interactive", double deadline = 1e12) {
    return admit(id, now, mode, deadline)["state"].get<std::string>();
  }
  json release(const std::string& id, double now) {
    return json::parse(book.release({{"target", "space:base"}, {"id", id}, {"now", now}}).value().answer);
  }
  json tick(double now) { return json::parse(book.release({{"target", "space:base"}, {"tick", true}, {"now", now}}).value().answer); }

  QuotaBook book;
};

TEST_F(Quota, FourAtATimeByDefaultAndAQueueOfFifty) {
  limits(nullptr);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(state("r" + std::to_string(i), 0), "go");
  for (int i = 0; i < 50; ++i) {
    const json answer = admit("w" + std::to_string(i), 0);
    EXPECT_EQ(answer["state"], "wait");
    EXPECT_EQ(answer["position"], i);
    EXPECT_EQ(answer["at"], 1e12) << "nothing but its deadline can change it";
  }
  const json refused = admit("one more", 0);
  EXPECT_EQ(refused["state"], "refused");
  EXPECT_NE(refused["reason"].get<std::string>().find("queue of 50 is full"), std::string::npos);
  EXPECT_EQ(book.load("space:base").running, 4U);
  EXPECT_EQ(book.load("space:base").queued, 50U);
  EXPECT_EQ(release("r1", 1)["start"], json({"w0"}));
  EXPECT_EQ(state("one more", 1), "wait") << "a refused id is free";
}

TEST_F(Quota, InteractiveFirstThenFirstComeFirstServed) {
  limits({{"concurrency", 1}});
  EXPECT_EQ(state("a", 0), "go");
  EXPECT_EQ(admit("b1", 1, "background")["position"], 0);
  EXPECT_EQ(admit("b2", 2, "background")["position"], 1);
  EXPECT_EQ(admit("i1", 3)["position"], 0);
  EXPECT_EQ(admit("i2", 4)["position"], 1);
  EXPECT_EQ(admit("b3", 5, "background")["position"], 4);
  std::string running = "a";
  for (const char* next : {"i1", "i2", "b1", "b2", "b3"}) {
    EXPECT_EQ(release(running, 10)["start"], json({next}));
    running = next;
  }
  const json last = release(running, 10);
  EXPECT_TRUE(last["start"].empty());
  EXPECT_FALSE(last.contains("at"));
}

TEST_F(Quota, SlidingMinute) {
  limits({{"concurrency", 100}, {"perMinute", 3}});
  EXPECT_EQ(state("a", 0), "go");
  EXPECT_EQ(state("b", 10'000), "go");
  EXPECT_EQ(state("c", 20'000), "go");
  const json wait = admit("d", 30'000);
  EXPECT_EQ(wait["state"], "wait");
  EXPECT_EQ(wait["at"], 60'000);
  EXPECT_TRUE(release("a", 40'000)["start"].empty()) << "an ended call gives no rate back";
  EXPECT_TRUE(tick(59'999)["start"].empty());
  EXPECT_EQ(state("e", 60'000), "wait") << "d is before it, though the window has opened";
  const json opened = tick(60'000);
  EXPECT_EQ(opened["start"], json({"d"}));
  EXPECT_EQ(opened["at"], 70'000);
  EXPECT_EQ(tick(70'000)["start"], json({"e"}));
}

TEST_F(Quota, AClockSetBackDoesNotShutTheTarget) {
  limits({{"perMinute", 1}});
  EXPECT_EQ(state("a", 9e9), "go");
  EXPECT_EQ(admit("b", 1000, "interactive", 1e11)["at"], 61'000);
  EXPECT_EQ(tick(61'000)["start"], json({"b"}));
}

TEST_F(Quota, DeadlinesAndCancel) {
  limits({{"concurrency", 1}});
  EXPECT_EQ(state("late", 100, "interactive", 100), "refused");
  EXPECT_EQ(state("a", 0), "go");
  EXPECT_EQ(admit("b", 0, "interactive", 500)["at"], 500);
  EXPECT_EQ(admit("c", 0, "interactive", 900)["at"], 500);
  EXPECT_EQ(admit("d", 0)["position"], 2);
  const json cancelled = release("c", 100);
  EXPECT_TRUE(cancelled["start"].empty());
  EXPECT_TRUE(cancelled["expired"].empty());
  const json at500 = tick(500);
  EXPECT_EQ(at500["expired"], json({"b"}));
  EXPECT_TRUE(at500["start"].empty());
  EXPECT_EQ(release("a", 600)["start"], json({"d"}));
  EXPECT_TRUE(release("b", 700)["start"].empty()) << "an expired id is gone; releasing it changes nothing";
  EXPECT_EQ(book.load("space:base").running, 1U);
}

TEST_F(Quota, AnExpiredCallIsNeverStarted) {
  limits({{"concurrency", 1}});
  EXPECT_EQ(state("a", 0), "go");
  EXPECT_EQ(state("b", 0, "interactive", 500), "wait");
  EXPECT_EQ(state("c", 0), "wait");
  const json ended = release("a", 501);
  EXPECT_EQ(ended["expired"], json({"b"}));
  EXPECT_EQ(ended["start"], json({"c"}));
}

TEST_F(Quota, QueueLengthZeroRefusesAtOnce) {
  limits({{"concurrency", 1}, {"queueLength", 0}});
  EXPECT_EQ(state("a", 0), "go");
  EXPECT_EQ(state("b", 0), "refused");
}

TEST_F(Quota, IdsAreUnique) {
  ASSERT_TRUE(bool(book.configure(config({{"concurrency", 1}}, "openai"))));
  const auto admit_at = [this](const char* target, const char* id) {
    return book.admit({{"target", target}, {"id", id}, {"mode", "interactive"}, {"deadline", 1e12}, {"now", 0}});
  };
  ASSERT_TRUE(bool(admit_at("space:base", "a")));
  ASSERT_TRUE(bool(admit_at("space:base", "b")));
  for (const char* id : {"a", "b"}) {
    for (const char* target : {"space:base", "openai"}) {
      auto again = admit_at(target, id);
      ASSERT_FALSE(bool(again)) << id << target;
      EXPECT_EQ(again.error().code, "invalid-input");
      EXPECT_EQ(again.error().field, "id");
    }
  }
  release("a", 1);
  EXPECT_TRUE(bool(admit_at("openai", "a"))) << "an id is free when its call has ended";
}

TEST_F(Quota, MalformedInputNamesTheField) {
  limits(nullptr);
  const json ticket = {{"target", "space:base"}, {"id", "x"}, {"mode", "interactive"}, {"deadline", 9}, {"now", 1}};
  for (const char* field : {"target", "id", "mode", "deadline", "now"}) {
    json bad = ticket;
    bad[field] = json::array();
    auto answer = book.admit(bad);
    ASSERT_FALSE(bool(answer)) << field;
    EXPECT_EQ(answer.error().field, field);
  }
  json odd = ticket;
  odd["mode"] = "sideways";
  EXPECT_EQ(book.admit(odd).error().field, "mode");
  odd = ticket;
  odd["target"] = "space:nowhere";
  EXPECT_EQ(book.admit(odd).error().code, "unknown-target");
  EXPECT_FALSE(bool(book.release({{"target", "space:base"}, {"now", 1}})));
  EXPECT_TRUE(bool(book.release({{"target", "space:nowhere"}, {"id", "x"}, {"now", 1}})));

  for (const auto& [quota, field] : std::vector<std::pair<json, std::string>>{
           {{{"concurrency", 0}}, "targets[0].quota.concurrency"},
           {{{"concurrency", 1.5}}, "targets[0].quota.concurrency"},
           {{{"concurrency", "4"}}, "targets[0].quota.concurrency"},
           {{{"perMinute", -1}}, "targets[0].quota.perMinute"},
           {{{"perMinute", 1e9}}, "targets[0].quota.perMinute"},
           {{{"queueLength", -1}}, "targets[0].quota.queueLength"},
           {json::array(), "targets[0].quota"}}) {
    auto done = book.configure(config(quota));
    ASSERT_FALSE(bool(done)) << quota.dump();
    EXPECT_EQ(done.error().code, "invalid-config");
    EXPECT_EQ(done.error().field, field);
  }
  EXPECT_TRUE(bool(book.admit(ticket))) << "a refused config changes nothing";
}

TEST_F(Quota, ReconfiguringLosesNobody) {
  ASSERT_TRUE(bool(book.configure(config({{"concurrency", 1}}))));
  EXPECT_EQ(state("a", 0), "go");
  EXPECT_EQ(state("b", 0), "wait");
  EXPECT_EQ(state("c", 0), "wait");
  // More places: the next tick uses them.
  limits({{"concurrency", 2}});
  EXPECT_EQ(tick(1)["start"], json({"b"}));
  // The target leaves: who is there is served, nobody new comes in.
  ASSERT_TRUE(bool(book.configure({{"targets", json::array()}})));
  EXPECT_EQ(book.admit({{"target", "space:base"}, {"id", "n"}, {"mode", "interactive"}, {"deadline", 9}, {"now", 1}})
                .error().code,
            "unknown-target");
  EXPECT_EQ(release("a", 2)["start"], json({"c"}));
  EXPECT_EQ(book.load("space:base").running, 2U);
  release("b", 3);
  release("c", 3);
  EXPECT_EQ(book.load("space:base").running, 0U);
}

// ---- random operations against a model

struct Model {
  struct Waiting {
    std::string id;
    double deadline;
    bool interactive;
  };
  std::size_t concurrency, per_minute, queue_length;
  std::set<std::string> running;
  std::vector<Waiting> waiting;  // in order of arrival
  std::vector<double> starts;

  bool open(double now) const {
    const auto recent = std::count_if(starts.begin(), starts.end(), [&](double at) { return now - at < 60'000; });
    return running.size() < concurrency && static_cast<std::size_t>(recent) < per_minute;
  }
  std::size_t ahead(bool interactive, double now) const {
    return static_cast<std::size_t>(std::count_if(waiting.begin(), waiting.end(), [&](const Waiting& other) {
      return other.deadline > now && (other.interactive || !interactive);
    }));
  }
  void start(const std::string& id, double now) {
    running.insert(id);
    starts.push_back(now);
  }
  std::set<std::string> expire(double now) {
    std::set<std::string> expired;
    for (const Waiting& other : waiting) {
      if (other.deadline <= now) expired.insert(other.id);
    }
    std::erase_if(waiting, [&](const Waiting& other) { return other.deadline <= now; });
    return expired;
  }
  std::vector<std::string> pump(double now) {
    std::vector<std::string> started;
    while (!waiting.empty() && open(now)) {
      auto next = std::find_if(waiting.begin(), waiting.end(), [](const Waiting& other) { return other.interactive; });
      if (next == waiting.end()) next = waiting.begin();
      started.push_back(next->id);
      start(next->id, now);
      waiting.erase(next);
    }
    return started;
  }
};

TEST(QuotaProperty, SameAsTheModelAndNobodyIsLostOrStartedTwice) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
    Model model{1 + below(4), seed % 3 == 0 ? 1000 : 1 + below(8), below(10), {}, {}, {}};
    QuotaBook book;
    ASSERT_TRUE(bool(book.configure(config({{"concurrency", model.concurrency},
                                            {"perMinute", model.per_minute},
                                            {"queueLength", model.queue_length}}))));
    double now = 1e12;
    int made = 0;
    std::map<std::string, std::string> fate;  // id -> waiting | running | ended
    for (int step = 0; step < 400; ++step) {
      now += below(3) == 0 ? below(20'000) : below(400);
      const unsigned what = below(10);
      if (what < 5) {
        const std::string id = "c" + std::to_string(made++);
        const bool interactive = below(2) == 0;
        const double deadline = now - 100 + below(60'000);
        const auto admitted = book.admit({{"target", "space:base"}, {"id", id}, {"deadline", deadline}, {"now", now},
                                          {"mode", interactive ? "interactive" : "background"}});
        const json answer = json::parse(admitted.value().answer);
        std::string expected = "refused";
        if (deadline > now) {
          const std::size_t ahead = model.ahead(interactive, now);
          if (ahead == 0 && model.open(now)) {
            model.start(id, now);
            expected = "go";
            fate[id] = "running";
          } else if (model.waiting.size() < model.queue_length) {
            model.waiting.push_back({id, deadline, interactive});
            expected = "wait";
            fate[id] = "waiting";
            ASSERT_EQ(answer["position"], ahead);
            ASSERT_GE(answer["at"].get<double>(), now);
            ASSERT_LE(answer["at"].get<double>(), deadline);
          }
        }
        ASSERT_EQ(answer["state"], expected) << "seed " << seed << " step " << step;
      } else {
        json call = {{"target", "space:base"}, {"now", now}};
        if (what < 8 && made > 0) {
          const std::string id = "c" + std::to_string(below(static_cast<unsigned>(made)));
          call["id"] = id;
          model.running.erase(id);
          std::erase_if(model.waiting, [&](const Model::Waiting& other) { return other.id == id; });
          if (fate.count(id) > 0) fate[id] = "ended";
        } else {
          call["tick"] = true;
        }
        const json answer = json::parse(book.release(call).value().answer);
        const std::set<std::string> expired = model.expire(now);
        const std::vector<std::string> started = model.pump(now);
        ASSERT_EQ(answer["start"].get<std::vector<std::string>>(), started) << "seed " << seed << " step " << step;
        ASSERT_EQ(answer["expired"].get<std::set<std::string>>(), expired) << "seed " << seed << " step " << step;
        for (const std::string& id : started) {
          ASSERT_EQ(fate[id], "waiting") << id << " was started twice";
          fate[id] = "running";
        }
        for (const std::string& id : expired) {
          ASSERT_EQ(fate[id], "waiting");
          fate[id] = "ended";
        }
        ASSERT_EQ(answer.contains("at"), !model.waiting.empty());
      }
      ASSERT_LE(book.load("space:base").running, model.concurrency);
      ASSERT_EQ(book.load("space:base").running, model.running.size());
      ASSERT_EQ(book.load("space:base").queued, model.waiting.size());
    }
    // Ticking at the time named drains the queue: nobody is left behind.
    for (int guard = 0; !model.waiting.empty(); ++guard) {
      ASSERT_LT(guard, 1000);
      const json answer = json::parse(book.release({{"target", "space:base"}, {"tick", true}, {"now", now}}).value().answer);
      model.expire(now);
      model.pump(now);
      if (answer.contains("at")) now = std::max(now, answer["at"].get<double>());
    }
    ASSERT_EQ(book.load("space:base").queued, 0U);
  }
}

}  // namespace
}  // namespace tierwise::route
