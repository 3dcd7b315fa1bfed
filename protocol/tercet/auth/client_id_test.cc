#include "tercet/auth/client_id.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tercet/auth/user_name.h"

using namespace tercet::auth;

TEST_CASE("the client ids of official clients are understood") {
  const ClientId c4 = parse_client_id(
      "a1B2c3D4e5F.sensor_01|timestamp=2524608000000,_ss=1,_v=sdk-c-4.2.0,securemode=2,signmethod=hmacsha256,ext=3,"
      "_conn=tls_1f4|");
  CHECK(c4.id == "a1B2c3D4e5F.sensor_01");
  CHECK(c4.timestamp == "2524608000000");
  CHECK(c4.auto_subscribe);
  CHECK(c4.sdk_version == "sdk-c-4.2.0");
  CHECK(c4.secure_mode == 2);
  CHECK(c4.sign_method == SignMethod::sha256);
  CHECK(c4.sign_method_text == "hmacsha256");
  CHECK(c4.ext == 3);
  CHECK(!c4.defects.any_fatal());

  const ClientId node = parse_client_id(
      "a1B2c3D4e5F&sensor_01|securemode=3,signmethod=hmacsha1,timestamp=1700000000000,lan=NodeJS,_v=1.2.8|");
  CHECK(node.id == "a1B2c3D4e5F&sensor_01");
  CHECK(node.language == "NodeJS");
  CHECK(node.secure_mode == 3);
  CHECK(!node.auto_subscribe);

  const ClientId early = parse_client_id("pk.dn|timestamp=1,securemode=2,ext=1,|");
  CHECK(early.ext == 1);
  CHECK(early.sign_method == SignMethod::md5);
  CHECK(early.sign_method_text.empty());
  CHECK(!early.defects.any_fatal());

  const ClientId registering =
      parse_client_id("dn.pk|random=R1,authType=regnwl,securemode=-2,signmethod=hmacsha256,instanceId=iot-1|");
  CHECK(registering.auth_type == AuthType::register_unlisted);
  CHECK(registering.random == "R1");
  CHECK(registering.instance_id == "iot-1");
  CHECK(registering.secure_mode == -2);
}

TEST_CASE("the three forms of the article are understood") {
  const ClientId a = parse_client_id(
      "ID|clientId=xxx, deviceName=sensor_01, productKey=a1abcXYZ, timestamp=1712345678900, signMethod=hmacSha1, "
      "resourceOwner=true, secureMode=2, authId=sensor_01, random=123456789|");
  CHECK(a.id == "ID");
  CHECK(a.inner_client_id == "xxx");
  CHECK(a.repeats_identity);
  CHECK(a.timestamp == "1712345678900");
  CHECK(a.sign_method == SignMethod::sha1);
  CHECK(a.secure_mode == 2);
  CHECK(!a.defects.any_fatal());
  const ClientId b = parse_client_id("a4cf12|secureMode=2,authId=sensor_01,timestamp=1712345678900|");
  CHECK(b.secure_mode == 2);
  const ClientId c = parse_client_id("a4cf12|secureMode=2|");
  CHECK(!c.timestamp);
  CHECK(c.sign_method == SignMethod::md5);
}

TEST_CASE("case, order, blanks, unknown keys and stray commas do not matter; the last of a repeated key counts") {
  const ClientId id = parse_client_id("x| SIGNMETHOD = HmacSHA256 ,,zzz=1,naked, TimeStamp=5,timestamp=6 , _SS=1,|");
  CHECK(id.sign_method == SignMethod::sha256);
  CHECK(id.timestamp == "6");
  CHECK(id.auto_subscribe);
  CHECK(!id.defects.any_fatal());
  CHECK(parse_client_id("x|timestamp=|").timestamp == "");
  CHECK(parse_client_id("x|ext=-1|").ext == 0);
  CHECK(parse_client_id("x||").has_extension);
}

TEST_CASE("an id without a block is the id of an md5 login") {
  const ClientId id = parse_client_id("aabbccddeeff");
  CHECK(id.id == "aabbccddeeff");
  CHECK(!id.has_extension);
  CHECK(id.sign_method == SignMethod::md5);
  CHECK(!id.defects.any_fatal());
}

TEST_CASE("defects are named and do not stop the parsing") {
  CHECK(parse_client_id("").defects.empty_id);
  CHECK(parse_client_id("|securemode=2|").defects.empty_id);
  const ClientId cut = parse_client_id("x|securemode=3,timestamp=17000");
  CHECK(cut.defects.no_closing_bar);
  CHECK(cut.timestamp == "17000");
  CHECK(cut.defects.any_fatal());
  CHECK(parse_client_id("x|securemode=2|y").defects.text_after_closing_bar);
  CHECK(!parse_client_id("x|securemode=2|y").defects.any_fatal());
  CHECK(parse_client_id("x|signmethod=rsa|").defects.unknown_sign_method);
  CHECK(parse_client_id("x|signmethod=|").defects.unknown_sign_method);
  CHECK(parse_client_id("x|securemode=tls|").defects.bad_secure_mode);
  CHECK(!parse_client_id(std::string(64, 'a')).defects.id_too_long);
  CHECK(parse_client_id(std::string(65, 'a')).defects.id_too_long);
  std::string characters;
  for (int i = 0; i < 64; ++i) characters += "\xe6\xb8\xa9";
  CHECK(!parse_client_id(characters).defects.id_too_long);
}

TEST_CASE("no truncation and no changed byte upsets the parser") {
  const std::string whole = "pk.dn|timestamp=2524608000000,_ss=1,securemode=2,signmethod=hmacsha256,ext=3|";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    const ClientId id = parse_client_id(cut);
    CHECK(id.defects.no_closing_bar == (size > whole.find('|')));
    CHECK(id.id == whole.substr(0, std::min(size, whole.find('|'))));
  }
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      const ClientId id = parse_client_id(changed);
      CHECK(id.id.size() + id.extension.size() <= changed.size());
    }
}

TEST_CASE("user names have exactly one ampersand between two names") {
  CHECK(parse_user_name("sensor_01&a1B2c3D4e5F")->device == "sensor_01");
  CHECK(parse_user_name("sensor_01&a1B2c3D4e5F")->product == "a1B2c3D4e5F");
  for (const std::string_view bad : {"", "&", "a", "a&", "&b", "a&b&c", "a&&b"}) CHECK(!parse_user_name(bad));
}

TEST_CASE("names of sign methods are read in every spelling of the documents") {
  CHECK(parse_sign_method("HmacMD5") == SignMethod::md5);
  CHECK(parse_sign_method("hmacSha1") == SignMethod::sha1);
  CHECK(parse_sign_method("Sha256") == SignMethod::sha256);
  CHECK(!parse_sign_method("hmac"));
  CHECK(!parse_sign_method("sha512"));
  for (const SignMethod method : {SignMethod::md5, SignMethod::sha1, SignMethod::sha256})
    CHECK(parse_sign_method(name(method)) == method);
}
