#include "core.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "base/hash.h"

namespace tierwise {
namespace {

TEST(Core, ProtocolsThatAreNoneAreRefused) {
  const Core core;
  for (const double protocol : {-1.0, 4.0, 1e300, -1e300, std::nan(""), std::numeric_limits<double>::infinity()}) {
    for (const auto& answer : {core.frame(protocol, "{}"), core.body(protocol, "{}")}) {
      ASSERT_FALSE(answer) << protocol;
      EXPECT_EQ(answer.error().code, "invalid-input");
      EXPECT_EQ(answer.error().field, "protocol");
    }
  }
  for (const double protocol : {0.0, 1.0, 2.0, 3.0}) EXPECT_TRUE(core.frame(protocol, "{}"));
}

TEST(Core, HandlesThatAreNoneAreRefused) {
  Core core;
  ASSERT_TRUE(core.partition({{"fields", json::object()}}));
  EXPECT_TRUE(core.look_up(0, "q", 1, -1, false));
  for (const double handle : {-1.0, 1.0, 4294967294.0, 4294967295.0, 1e300, std::nan("")}) {
    EXPECT_EQ(core.look_up(handle, "q", 1, -1, false).error().code, "unknown-partition") << handle;
  }
}

// Partitions of stored records are numbered with the others.
TEST(Core, EveryHandleThatIsGivenOutIsKnown) {
  Core core;
  json record = {{"tier", "base"}, {"target", "t"}, {"bytes", 1}, {"storedAt", 1}, {"now", 1}};
  for (std::size_t i = 0; i < cache::kMaxPartitions; ++i) {
    const std::string id = to_hex(sha256(std::to_string(i)));
    record["id"] = id;
    record["partition"] = id;
    ASSERT_TRUE(core.store(record));
  }
  const json answer = json::parse(core.partition({{"fields", {{"user", "ada"}}}}).value());
  EXPECT_TRUE(core.look_up(answer["handle"].get<double>(), "q", 1, -1, false)) << answer.dump();
}

}  // namespace
}  // namespace tierwise
