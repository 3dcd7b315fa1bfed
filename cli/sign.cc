#include "cli/sign.h"

#include <array>
#include <boost/json.hpp>

#include "tercet/auth/host.h"
#include "tercet/auth/sign.h"

namespace tercet::cli {
namespace {

/// ESP-AT takes commands with quotes, commas and backslashes escaped.
std::string esp_at_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

bool resolve_host(const SignOptions& options, const ProductKey& product, std::string& host, std::string& problem) {
  if (!options.host.empty()) {
    host = options.host;
    return true;
  }
  const auto derived = options.instance_id.empty() ? auth::host_of_product(product, options.region)
                                                   : auth::host_of_instance(options.instance_id);
  if (!derived) {
    problem = "no host can be made of region '" + options.region + "' and instance '" + options.instance_id +
              "'; give --host, --region cn-shanghai or --instance iot-…";
    return false;
  }
  host = std::string(derived->str());
  return true;
}

}  // namespace

bool render_sign(const SignOptions& options, std::string& text, std::string& problem) {
  const auto product = ProductKey::parse(options.product_key);
  const auto device = DeviceName::parse(options.device_name);
  const auto secret = DeviceSecret::parse(options.device_secret);
  if (!product)
    problem = "ProductKey '" + options.product_key + "' is not 1 to 20 letters and digits";
  else if (!device)
    problem = "DeviceName '" + options.device_name + "' is not 1 to 32 of letters, digits and -_@.:";
  else if (!secret)
    problem = "the DeviceSecret is empty or longer than 64 characters";
  const auto method = auth::parse_sign_method(options.method);
  if (problem.empty() && !method) problem = "--method is hmacmd5, hmacsha1 or hmacsha256, not '" + options.method + "'";
  std::string host;
  if (!problem.empty() || !resolve_host(options, *product, host, problem)) return false;

  auth::LoginOptions login;
  login.client_id = options.client_id;
  login.method = *method;
  login.secure_mode = options.plain ? auth::SecureMode::tcp : auth::SecureMode::tls;
  if (options.timestamp == "none")
    login.timestamp = std::nullopt;
  else if (!options.timestamp.empty())
    login.timestamp = options.timestamp;
  const auto made = auth::make_credentials(Triple{{*product, *device}, *secret}, login);
  if (!made) {
    problem = "the client id must be 1 to 64 characters without '|', and the timestamp digits";
    return false;
  }
  std::array<char, 512> content_buffer{};
  const std::string bare_id =
      options.client_id.empty() ? options.product_key + "." + options.device_name : options.client_id;
  const auto content =
      auth::sign_content({bare_id, options.device_name, options.product_key, login.timestamp}, content_buffer);
  const std::string client_id(made->client_id.str()), user(made->user_name.str()), password(made->password.str());
  const std::string port = std::to_string(options.port);

  if (options.json) {
    text = boost::json::serialize(boost::json::object{{"clientId", client_id},
                                                      {"username", user},
                                                      {"password", password},
                                                      {"host", host},
                                                      {"port", options.port},
                                                      {"tls", !options.plain},
                                                      {"content", content ? std::string(*content) : ""}}) +
           "\n";
    return true;
  }
  text = "clientId  " + client_id + "\nusername  " + user + "\npassword  " + password + "\nhost      " + host +
         "\nport      " + port + (options.plain ? "  (plain TCP)" : "  (TLS)") + "\n\nsigned    " +
         (content ? std::string(*content) : "") + "\n          " + std::string(auth::name(*method)) +
         ", key = DeviceSecret\n\nESP-AT\n  AT+MQTTUSERCFG=0," + (options.plain ? "1" : "2") +
         ",\"\",\"\",\"\",0,0,\"\"\n  AT+MQTTCLIENTID=0,\"" + esp_at_escaped(client_id) + "\"\n  AT+MQTTUSERNAME=0,\"" +
         esp_at_escaped(user) + "\"\n  AT+MQTTPASSWORD=0,\"" + esp_at_escaped(password) + "\"\n  AT+MQTTCONN=0,\"" +
         esp_at_escaped(host) + "\"," + port +
         ",1\n\nC++ (valid until the secret changes; keep it out of your source tree)\n" +
         "  constexpr char kHost[] = \"" + host + "\";\n  constexpr int kPort = " + port +
         ";\n  constexpr char kClientId[] = \"" + client_id + "\";\n  constexpr char kUserName[] = \"" + user +
         "\";\n  constexpr char kPassword[] = \"" + password + "\";\n";
  return true;
}

}  // namespace tercet::cli
