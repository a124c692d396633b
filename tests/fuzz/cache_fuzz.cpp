// Random sequences of operations on the cache index, some with nonsense for arguments. Whatever comes:
// the bounds hold, totals agree with the entries listed, no partition sees another's replies, an id reported as gone
// does not answer, and nothing crashes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "cache/index.h"

namespace {

using tierwise::json;
using tierwise::cache::Index;

void require(bool holds) {
  if (!holds) std::abort();
}

class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool left() const { return at_ < size_; }
  unsigned byte() { return left() ? data_[at_++] : 0U; }
  unsigned below(unsigned n) { return byte() % n; }
  double time() { return 1e12 + 1000.0 * (byte() * 256 + byte()); }
  std::string text() {
    std::string made;
    for (unsigned n = below(12); n > 0; --n) made += static_cast<char>(byte());
    return made;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

// Any JSON value, mostly small.
json anything(Choices& choices) {
  switch (choices.below(9)) {
    case 0: return nullptr;
    case 1: return choices.below(2) == 0;
    case 2: return choices.time();
    case 3: return static_cast<int>(choices.byte()) - 128;
    case 4: return choices.text();
    case 5: return json::array({choices.text(), choices.byte()});
    case 6: return json::object({{"all", true}});
    case 7: return std::string(64, "0aF\xff"[choices.below(4)]);
    default: return 1e300;
  }
}

void spoil(Choices& choices, json& object, std::string_view fields) {
  if (choices.below(8) != 0) return;
  std::size_t pick = choices.below(16);
  std::size_t start = 0;
  while (pick-- > 0) {
    const std::size_t comma = fields.find(',', start);
    start = comma == std::string_view::npos ? 0 : comma + 1;
  }
  object[std::string(fields.substr(start, fields.find(',', start) - start))] = anything(choices);
}

struct Bounds {
  double entries = 10'000;
  double bytes = 32.0 * 1024 * 1024;
};

void check(const Index& index, const Bounds& bounds) {
  const json list = json::parse(index.entries(json::object()).value());
  double bytes = 0;
  std::set<std::string> ids;
  for (const json& entry : list["entries"]) {
    bytes += entry["bytes"].get<double>();
    ids.insert(entry["id"].get<std::string>());
  }
  require(ids.size() == list["entries"].size());
  require(list["total"].get<std::size_t>() == ids.size());
  require(list["totalBytes"].get<double>() == bytes);
  require(static_cast<double>(ids.size()) <= bounds.entries && bytes <= bounds.bytes);
}

void require_gone(const Index& index, const json& gone) {
  const json list = json::parse(index.entries(json::object()).value());
  std::set<std::string> left;
  for (const json& entry : list["entries"]) left.insert(entry["id"].get<std::string>());
  for (const json& id : gone) require(left.count(id.get<std::string>()) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  Choices choices(data, size);
  Index index;
  Bounds bounds;
  json partitions = json::array();
  for (const char* user : {"ada", "bob"}) partitions.push_back(json::parse(index.partition({{"fields", {{"user", user}}}}).value()));
  const char* requests[] = {"one", "two", "three", "four", "five", "six"};
  const char* tiers[] = {"base", "company", "user"};
  while (choices.left()) {
    const unsigned operation = choices.below(8);
    const json& where = partitions[choices.below(2)];
    const auto handle = where["handle"].get<std::uint32_t>();
    const std::string request = choices.below(16) == 0 ? choices.text() : requests[choices.below(6)];
    const double now = choices.time();
    if (operation == 0) {
      json cache = {{"maxEntries", choices.below(8)}, {"maxBytes", 50.0 * choices.byte()},
                    {"ttlMs", 1000.0 * choices.byte()}, {"staleMs", 100.0 * choices.byte()}};
      spoil(choices, cache, "maxEntries,maxBytes,ttlMs,staleMs");
      const auto done = index.configure({{"cache", cache}});
      if (done) {
        bounds.entries = cache["maxEntries"].get<double>();
        bounds.bytes = cache["maxBytes"].get<double>();
        require_gone(index, json::parse(done.value())["evicted"]);
      }
    } else if (operation <= 2) {
      const auto answer = index.look_up(choices.below(32) == 0 ? choices.byte() : handle, request, now,
                                        choices.below(2) == 0 ? -1 : 1000.0 * choices.byte(), choices.below(2) == 0);
      if (!answer) continue;
      const json found = json::parse(answer.value());
      if (!found["hit"].get<bool>()) continue;
      const json list = json::parse(index.entries({{"limit", 1}}).value());
      require(list["entries"][0]["id"] == found["id"]);
      bool own = false;
      for (const json& partition : partitions) own = own || list["entries"][0]["partition"] == partition["id"];
      require(own && found["ageMs"].get<double>() >= 0);
    } else if (operation <= 5) {
      const auto found = index.look_up(handle, request, now, -1, false);
      if (!found) continue;
      json record = {{"id", json::parse(found.value())["id"]},
                     {"partition", choices.below(16) == 0 ? partitions[choices.below(2)]["id"] : where["id"]},
                     {"tier", tiers[choices.below(3)]},
                     {"target", "space:base"},
                     {"tags", json::array({std::string(1, static_cast<char>('a' + choices.below(3)))})},
                     {"bytes", choices.byte() * 16},
                     {"storedAt", now - 1000.0 * choices.below(64)},
                     {"lastUsedAt", now - 1000.0 * choices.below(64)},
                     {"hits", choices.byte()},
                     {"now", now}};
      if (choices.below(2) == 0) record["ttlMs"] = 1000.0 * choices.byte();
      spoil(choices, record, "id,partition,tier,target,tags,bytes,storedAt,lastUsedAt,hits,now,ttlMs");
      const auto stored = index.store(record);
      if (!stored) continue;
      const json answer = json::parse(stored.value());
      require(answer["stored"].get<bool>() != answer.contains("refused"));
      require_gone(index, answer["evicted"]);
      // What was stored in one partition answers in no other.
      const auto& other = where == partitions[0] ? partitions[1] : partitions[0];
      if (answer["stored"].get<bool>() && record["partition"] == where["id"]) {
        require(json::parse(index.look_up(handle, request, now, -1, true).value())["id"] !=
                json::parse(index.look_up(other["handle"].get<std::uint32_t>(), request, now, -1, true).value())["id"]);
      }
    } else {
      json selector = json::object();
      if (choices.below(2) == 0) selector["tag"] = std::string(1, static_cast<char>('a' + choices.below(3)));
      if (choices.below(2) == 0) selector["tier"] = tiers[choices.below(3)];
      if (choices.below(2) == 0) selector["before"] = now;
      if (choices.below(2) == 0) selector["partition"] = where["id"];
      if (choices.below(4) == 0) selector["all"] = true;
      spoil(choices, selector, "ids,tag,tier,target,before,partition,all,dryRun,nonsense");
      const json before = json::parse(index.entries(json::object()).value());
      json rehearsal = selector;
      rehearsal["dryRun"] = true;
      const auto dry = index.forget(rehearsal);
      require(json::parse(index.entries(json::object()).value()) == before);
      const auto done = index.forget(selector);
      if (!done) {
        require(json::parse(index.entries(json::object()).value()) == before);
        continue;
      }
      require(!dry || dry.value() == done.value());
      if (!selector.contains("dryRun")) {
        require_gone(index, json::parse(done.value())["ids"]);
        const auto left = json::parse(index.entries({{"limit", 0}}).value())["total"].get<std::size_t>();
        require(left + json::parse(done.value())["ids"].size() == before["total"].get<std::size_t>());
      }
    }
    check(index, bounds);
  }
  return 0;
}
