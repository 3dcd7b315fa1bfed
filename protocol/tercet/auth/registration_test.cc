#include "tercet/auth/registration.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tercet/auth/registration_check.h"

using namespace tercet;
using namespace tercet::auth;

namespace {

DeviceId device_id() { return {*ProductKey::parse("a1B2c3D4e5F"), *DeviceName::parse("sensor_01")}; }
constexpr std::string_view kProductSecret = "ProductSecret01";

Login login_of(const Credentials& made) {
  return parse_login({made.client_id.str(), made.user_name.str(), made.password.str()});
}

}  // namespace

TEST_CASE("a registration is signed with the ProductSecret over names and random, vectors V4 to V6 [2.9]") {
  struct Row {
    SignMethod method;
    std::string_view client_id, password;
  };
  const std::vector<Row> table{
      {SignMethod::md5, "sensor_01.a1B2c3D4e5F|random=567345,authType=register,securemode=2,signmethod=hmacmd5|",
       "039180ffca478d79794e34655e5229a8"},
      {SignMethod::sha1, "sensor_01.a1B2c3D4e5F|random=567345,authType=register,securemode=2,signmethod=hmacsha1|",
       "4bdc3593b89d139142fd155fe29bfa041fb82cf3"},
      {SignMethod::sha256, "sensor_01.a1B2c3D4e5F|random=567345,authType=register,securemode=2,signmethod=hmacsha256|",
       "2bb1347d2277acf838a10367782e0dd287b087a067f00e93a2c247dfec7976c9"},
  };
  for (const Row& row : table) {
    RegistrationOptions options;
    options.method = row.method;
    const auto made = make_registration(device_id(), kProductSecret, "567345", options);
    REQUIRE(made);
    CHECK(made->client_id.str() == row.client_id);
    CHECK(made->user_name.str() == "sensor_01&a1B2c3D4e5F");
    CHECK(made->password.str() == row.password);
    const Login login = login_of(*made);
    CHECK(kind_of(login.client_id) == LoginKind::registration);
    CHECK(check_registration(login, kProductSecret));
    CHECK(!check_registration(login, "ProductSecret02"));
    CHECK(!check_registration(login, ""));
  }
}

TEST_CASE("a registration without pre-registration says so, and names the instance") {
  RegistrationOptions options;
  options.unlisted = true;
  options.instance_id = "iot-0001";
  const auto made = make_registration(device_id(), kProductSecret, "8fe3c8d5", options);
  REQUIRE(made);
  CHECK(
      made->client_id.str() ==
      "sensor_01.a1B2c3D4e5F|random=8fe3c8d5,authType=regnwl,securemode=2,signmethod=hmacsha256,instanceId=iot-0001|");
  const Login login = login_of(*made);
  CHECK(kind_of(login.client_id) == LoginKind::unlisted_registration);
  CHECK(login.client_id.instance_id == "iot-0001");
  CHECK(check_registration(login, kProductSecret));
}

TEST_CASE("what would break the client id is refused") {
  CHECK(make_registration(device_id(), kProductSecret, "").error() == Error::bad_argument);
  CHECK(make_registration(device_id(), kProductSecret, "12,3").error() == Error::bad_argument);
  CHECK(make_registration(device_id(), kProductSecret, "12|3").error() == Error::bad_argument);
  CHECK(make_registration(device_id(), kProductSecret, "123456789012345678901234567890123").error() ==
        Error::bad_argument);
  CHECK(make_token_login(device_id(), "", "token").error() == Error::bad_argument);
  CHECK(make_token_login(device_id(), "a|b", "token").error() == Error::bad_argument);
  CHECK(make_token_login(device_id(), "a", "").error() == Error::bad_argument);
}

TEST_CASE("a login with a token sends both as they came") {
  TokenOptions options;
  options.auto_subscribe = true;
  options.ext = 3;
  options.version = "tercet-0.1";
  const auto made = make_token_login(device_id(), "Sx2mNq1d", "0011aabb", options);
  REQUIRE(made);
  CHECK(made->client_id.str() == "Sx2mNq1d|authType=connwl,securemode=-2,_ss=1,ext=3,_v=tercet-0.1|");
  CHECK(made->user_name.str() == "sensor_01&a1B2c3D4e5F");
  CHECK(made->password.str() == "0011aabb");
  const Login login = login_of(*made);
  CHECK(kind_of(login.client_id) == LoginKind::token);
  CHECK(login.client_id.id == "Sx2mNq1d");
  CHECK(login.client_id.auto_subscribe);
}

TEST_CASE("what a login wants is told from authType, securemode and random together") {
  struct Row {
    std::string_view client_id;
    LoginKind kind;
  };
  const std::vector<Row> table{
      {"id", LoginKind::secret},
      {"id|securemode=2|", LoginKind::secret},
      {"id|securemode=2,authType=register,random=1,signmethod=hmacsha1|", LoginKind::registration},
      {"id|securemode=-2,authType=regnwl,random=1,signmethod=hmacsha1,instanceId=i|", LoginKind::unlisted_registration},
      {"id|securemode=2,authtype=regnwl,random=1|", LoginKind::unlisted_registration},
      {"id|securemode=2,authType=regnwl|", LoginKind::unlisted_registration},  // refused for want of a random
      {"id|securemode=-2,authType=regnwl|", LoginKind::token},
      {"id|securemode=-2,authType=connwl|", LoginKind::token},
      {"id|securemode=8,authtype=id2|", LoginKind::other},
      {"id|securemode=-1|", LoginKind::other},
      {"id|securemode=-2|", LoginKind::other},
  };
  for (const Row& row : table) {
    CAPTURE(row.client_id);
    CHECK(kind_of(parse_client_id(row.client_id)) == row.kind);
  }
}

TEST_CASE("a form over HTTPS is checked by the method it names, or SHA-1, which the Node SDK always uses [2.10]") {
  RegistrationForm form{"a1B2c3D4e5F", "sensor_01", "567345",
                        "2BB1347D2277ACF838A10367782E0DD287B087A067F00E93A2C247DFEC7976C9", "HmacSHA256"};
  CHECK(check_form(form, kProductSecret) == FormVerdict::good);
  CHECK(check_form(form, "another") == FormVerdict::wrong_sign);
  CHECK(check_form(form, "") == FormVerdict::wrong_sign);
  form.sign = "4bdc3593b89d139142fd155fe29bfa041fb82cf3";
  CHECK(check_form(form, kProductSecret) == FormVerdict::good);
  form.sign_method = "hmacmd5";
  CHECK(check_form(form, kProductSecret) == FormVerdict::good);
  form.sign = "039180ffca478d79794e34655e5229a8";
  CHECK(check_form(form, kProductSecret) == FormVerdict::good);
  form.sign_method = "hmacsha1";
  CHECK(check_form(form, kProductSecret) == FormVerdict::wrong_sign);
  form.sign_method = "rsa";
  CHECK(check_form(form, kProductSecret) == FormVerdict::unknown_method);
  for (std::string_view RegistrationForm::*field :
       {&RegistrationForm::product, &RegistrationForm::device, &RegistrationForm::random, &RegistrationForm::sign,
        &RegistrationForm::sign_method}) {
    RegistrationForm cut = form;
    cut.*field = "";
    CHECK(check_form(cut, kProductSecret) == FormVerdict::incomplete);
  }
}
