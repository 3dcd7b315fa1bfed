#include "platform/thing/announcements.h"

#include <doctest/doctest.h>

#include <vector>

namespace tercet::thing {
namespace {

constexpr UnixMillis kNow{1510292739881};

registry::Device lamp() {
  registry::Device device;
  device.number = 7;
  device.iot_id = "4z819VQHk6VSLmmBJfrf00107ee200";
  device.product = "a1B2c3D4e5F";
  device.name = "lamp_1";
  device.secret = "never to be seen";
  return device;
}
constexpr std::string_view kNames =
    R"("iotId":"4z819VQHk6VSLmmBJfrf00107ee200","productKey":"a1B2c3D4e5F","deviceName":"lamp_1")";

void check(const Announcement& made, Source source, std::string_view topic, const std::string& payload) {
  CHECK(made.source == source);
  CHECK(made.topic == topic);
  CHECK(made.payload == payload);
  CHECK(made.product == "a1B2c3D4e5F");
}

}  // namespace

TEST_CASE("what becomes of a device is told in the cloud's form, without its secret") {
  const std::pair<registry::Lifecycle, std::string> rows[] = {{registry::Lifecycle::created, "create"},
                                                              {registry::Lifecycle::deleted, "delete"},
                                                              {registry::Lifecycle::enabled, "enable"},
                                                              {registry::Lifecycle::disabled, "disable"}};
  for (const auto& row : rows) {
    const Announcement made = lifecycle_message(lamp(), row.first, kNow);
    check(made, Source::lifecycle, "/a1B2c3D4e5F/lamp_1/thing/lifecycle",
          R"({"action":")" + row.second + R"(",)" + std::string(kNames) +
              R"(,"deviceSecret":"","messageCreateTime":1510292739881})");
    CHECK(made.device == 7);
    CHECK(made.device_name == "lamp_1");
  }
}

TEST_CASE("tags that have changed are told in the cloud's form") {
  const std::vector<registry::Tag> changed{{"room", "厨房"}, {"floor", ""}};
  check(tags_message(lamp(), changed, kNow), Source::tags, "/a1B2c3D4e5F/lamp_1/thing/deviceinfo/update",
        "{" + std::string(kNames) +
            R"(,"value":[{"attrKey":"room","attrValue":"厨房"},{"attrKey":"floor","attrValue":""}],)"
            R"("messageCreateTime":1510292739881})");
}

TEST_CASE("an upgrade's end and progress are told in the cloud's form, texts escaped") {
  const UpgradeStep step{"1.0.1", "1.0.2", "no \"space\"\n", "wahVIzGkCMuAUE2gDERM02", "y3tOmCDNgpR8F9jnVEzC01"};
  const std::string rest = R"("messageCreateTime":1510292739881,"srcVersion":"1.0.1","destVersion":"1.0.2","desc":")";
  const std::string ids = R"("jobId":"wahVIzGkCMuAUE2gDERM02","taskId":"y3tOmCDNgpR8F9jnVEzC01")";
  check(upgrade_result_message(lamp(), step, true, kNow), Source::ota_result, "/a1B2c3D4e5F/lamp_1/ota/upgrade",
        "{" + std::string(kNames) + R"(,"status":"SUCCEEDED",)" + rest + "success\"," + ids + "}");
  check(upgrade_result_message(lamp(), step, false, kNow), Source::ota_result, "/a1B2c3D4e5F/lamp_1/ota/upgrade",
        "{" + std::string(kNames) + R"(,"status":"FAILED",)" + rest + R"(no \"space\"\n",)" + ids + "}");
  check(
      upgrade_progress_message(lamp(), step, 40, kNow), Source::ota_progress, "/a1B2c3D4e5F/lamp_1/ota/progress/post",
      "{" + std::string(kNames) + R"(,"status":"IN_PROGRESS",)" + rest + R"(no \"space\"\n",)" + ids + ",\"step\":40}");
}

TEST_CASE("a version and a job's state are told in the cloud's form") {
  check(version_message(lamp(), "default", "1.0.3", kNow), Source::ota_version, "/a1B2c3D4e5F/lamp_1/ota/version/post",
        R"({"iotId":"4z819VQHk6VSLmmBJfrf00107ee200","deviceName":"lamp_1","productKey":"a1B2c3D4e5F",)"
        R"("moduleName":"default","moduleVersion":"1.0.3","messageCreateTime":1510292739881})");
  const Announcement job = job_message("a1B2c3D4e5F", "default", "pkg1", "job1", "COMPLETED", kNow);
  check(job, Source::ota_job, "/a1B2c3D4e5F/pkg1/job1/ota/job/status",
        R"({"productKey":"a1B2c3D4e5F","moduleName":"default","packageId":"pkg1","jobId":"job1",)"
        R"("status":"COMPLETED","messageCreateTime":1510292739881})");
  CHECK(job.device == 0);
}

}  // namespace tercet::thing
