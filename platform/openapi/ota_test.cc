#include <doctest/doctest.h>

#include "platform/openapi/device_files.h"
#include "platform/openapi/test_platform.h"

using namespace tercet;
using namespace tercet::openapi;

namespace {

bool succeeded(const boost::json::object& answer) { return answer.at("Success").as_bool(); }
std::string code_of(const boost::json::object& answer) { return std::string(answer.at("Code").as_string()); }
std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

struct Bench : TestPlatform {
  DeviceFiles handler{loop, *registry, links, upgrades.get()};
  HttpServer file_server{loop, handler};
  std::string image;
  Bench() {
    TERCET_CHECK(
        loop.listen(host.address(8443), [this](auto stream) { file_server.accept(std::move(stream)); }).has_value());
    links.set_base("https://platform.example:8443");
    make_board();
    for (int i = 0; i < 1'000'000; ++i) image += static_cast<char>('a' + i % 23);
  }
  HttpAnswer post_form(const boost::json::object& form, const std::string& file, const std::string& status = "200") {
    std::string body;
    const auto field = [&](const std::string& name, const std::string& value) {
      body += "--bOUnd\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    };
    field("key", text(form.at("Key")));
    field("policy", text(form.at("Policy")));
    field("OSSAccessKeyId", text(form.at("OSSAccessKeyId")));
    field("Signature", text(form.at("Signature")));
    field("success_action_status", status);
    body += "--bOUnd\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n" + file +
            "\r\n--bOUnd--\r\n";
    return exchange(
        "POST /ota/upload HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=bOUnd\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string make_firmware() {
    const auto form = call("GenerateOTAUploadURL").at("Data").as_object();
    TERCET_CHECK(post_form(form, image).status == 200);
    const auto made = call("CreateOTAFirmware", {{"ProductKey", product_key},
                                                 {"FirmwareName", "climate"},
                                                 {"DestVersion", "2.0"},
                                                 {"FirmwareUrl", text(form.at("FirmwareUrl"))},
                                                 {"SignMethod", "SHA256"},
                                                 {"NeedToVerify", "false"}});
    TERCET_CHECK(succeeded(made));
    return text(made.at("Data").at("FirmwareId"));
  }
  HttpAnswer fetch(const std::string& url, const std::string& fields = "") {
    TestClient client(client_loop, host.address(8443));
    client.send("GET " + url.substr(links.base().size()) + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    run(Millis{1000});
    const auto end = client.received.find("\r\n\r\n");
    HttpAnswer reply;
    if (end == std::string::npos) return reply;
    reply.status = std::stoi(client.received.substr(9, 3));
    reply.head = client.received.substr(0, end + 2);
    reply.body = client.received.substr(end + 4);
    return reply;
  }
  void say(const std::string& topic, const std::string& payload) {
    with_device("board1", [&](thing::ThingIngress& ingress, const broker::Identity& identity, std::uint64_t number) {
      ingress.on_message({{}, identity, number, 0, topic, as_bytes(payload), 1, {}});
    });
  }
  std::string task_status(const std::string& job) {
    const auto tasks = call("ListOTATaskByJob", {{"JobId", job}, {"CurrentPage", "1"}, {"PageSize", "10"}});
    return text(tasks.at("Data").at("SimpleOTATaskInfo").at(0).at("TaskStatus"));
  }
};

}  // namespace

TEST_CASE("a firmware is uploaded by its form, shown, and fetched by its link, whole or a part") {
  Bench bench;
  const std::string id = bench.make_firmware();
  const auto shown = bench.call("QueryOTAFirmware", {{"FirmwareId", id}}).at("FirmwareInfo").as_object();
  CHECK(shown.at("FirmwareSize").to_number<int>() == 1'000'000);
  CHECK(text(shown.at("SignMethod")) == "SHA256");
  CHECK(shown.at("Status").to_number<int>() == -1);
  const std::string url = text(shown.at("FirmwareUrl"));
  CHECK(bench.fetch(url).body == bench.image);
  const auto part = bench.fetch(url, "Range: bytes=999990-\r\n");
  CHECK(part.status == 206);
  CHECK(part.body == bench.image.substr(999'990));
  CHECK(part.header("Content-Range") == "bytes 999990-999999/1000000");
  CHECK(bench.fetch(url, "Range: bytes=1000000-\r\n").status == 416);
  CHECK(bench.fetch(url.substr(0, url.size() - 1)).status == 403);
  const auto list = bench.call("ListOTAFirmware", {{"CurrentPage", "1"}, {"PageSize", "10"}});
  CHECK(list.at("FirmwareInfo").at("SimpleFirmwareInfo").as_array().size() == 1);
  REQUIRE(succeeded(bench.call("DeleteOTAFirmware", {{"FirmwareId", id}})));
  CHECK(bench.fetch(url).status == 404);
  CHECK(code_of(bench.call("QueryOTAFirmware", {{"FirmwareId", id}})) == "tercet.ota.NotExistedFirmware");
}

TEST_CASE("a form that is forged, old or no form is refused, and leaves nothing") {
  Bench bench;
  auto form = bench.call("GenerateOTAUploadURL", {{"FileSuffix", "zip"}}).at("Data").as_object();
  auto forged = form;
  forged["Signature"] = "x";
  const auto refused = bench.post_form(forged, "abc");
  CHECK(refused.status == 403);
  CHECK(refused.body.find("tercet.ota.UploadRefused") != std::string::npos);
  CHECK(bench.post_form(form, "abc", "201").status == 201);
  CHECK(bench.exchange("POST /ota/upload HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc").status == 400);
  bench.run(Millis{70'000});
  CHECK(bench.post_form(form, "abc").body.find("tercet.ota.UploadExpired") != std::string::npos);
  CHECK(code_of(bench.call("GenerateOTAUploadURL", {{"FileSuffix", "exe"}})) == "tercet.ota.InvalidFileSuffix");
}

TEST_CASE("a job is made, pushed, followed and ended by the device's version") {
  Bench bench;
  const std::string id = bench.make_firmware();
  const auto made = bench.call("CreateOTAStaticUpgradeJob", {{"ProductKey", bench.product_key},
                                                             {"FirmwareId", id},
                                                             {"TargetSelection", "ALL"},
                                                             {"Tag.1.Key", "batch"},
                                                             {"Tag.1.Value", "one"},
                                                             {"StopFailurePercent", "10"}});
  REQUIRE(succeeded(made));
  const std::string job = text(made.at("Data").at("JobId"));
  bench.run(Millis{500});
  CHECK(bench.task_status(job) == "QUEUED");
  bench.log_in("board1");
  bench.run(Millis{3000});
  CHECK(bench.task_status(job) == "NOTIFIED");
  std::string push;
  for (const auto& egress : bench.egress)
    for (const auto& one : egress.sent)
      if (one.topic == "/ota/device/upgrade/" + bench.product_key + "/board1") push = one.payload;
  REQUIRE(!push.empty());
  const auto data = boost::json::parse(push).at("data").as_object();
  CHECK(bench.fetch(text(data.at("url"))).body.size() == 1'000'000);
  const std::string here = bench.product_key + "/board1";
  bench.say("/ota/device/progress/" + here, R"({"id":"1","params":{"step":"50","desc":""}})");
  CHECK(bench.task_status(job) == "IN_PROGRESS");
  const auto open =
      bench.call("ListOTAUnfinishedTaskByDevice", {{"ProductKey", bench.product_key}, {"DeviceName", "board1"}});
  CHECK(open.at("Data").at("SimpleOTATaskInfo").as_array().size() == 1);
  bench.say("/ota/device/inform/" + here, R"({"id":"1","params":{"version":"2.0"}})");
  CHECK(bench.task_status(job) == "SUCCEEDED");
  const auto shown = bench.call("QueryOTAJob", {{"JobId", job}}).at("Data").as_object();
  CHECK(text(shown.at("JobStatus")) == "COMPLETED");
  CHECK(text(shown.at("Tags").at("OtaTagDTO").at(0).at("Value")) == "one");
  CHECK(shown.at("Tasks").at("SUCCEEDED").to_number<int>() == 1);
  CHECK(text(bench.call("QueryDeviceDetail", {{"ProductKey", bench.product_key}, {"DeviceName", "board1"}})
                 .at("Data")
                 .at("FirmwareVersion")) == "2.0");
  CHECK(code_of(bench.call("CancelOTATaskByJob", {{"JobId", job}})) == "tercet.ota.NothingToCancel");
  CHECK(code_of(bench.call("QueryOTAJob", {{"JobId", "none"}})) == "tercet.ota.NotExistedJob");
  CHECK(code_of(bench.call("CreateOTAStaticUpgradeJob",
                           {{"ProductKey", bench.product_key}, {"FirmwareId", id}, {"TargetSelection", "GROUP"}})) ==
        "iot.group.NullGroupId");
  CHECK(code_of(bench.call("CreateOTAStaticUpgradeJob",
                           {{"ProductKey", bench.product_key}, {"FirmwareId", id}, {"TargetSelection", "SOME"}})) ==
        "tercet.ota.InvalidParameter");
}
