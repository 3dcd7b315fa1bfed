// mqload - neutral MQTT 3.1.1 load generator for loopback broker measurements.
//
// Build: the CMake target `mqload`.
//
// One epoll loop per thread, shared 512 KiB read buffer per thread, batched
// writes, one clock read per read/write batch.  Every run is bounded in time,
// targets only 127.0.0.0/8, and prints exactly one JSON line on stdout.
//
//   mqload connect  -n 2000 -c 50 [--close]          connect + CONNACK storm
//   mqload idle     -n 19000 --hold 5 --pid PID      hold idle connections, bytes/connection
//   mqload pairs    -n 100 --qos 0 --size 64 -w 64   N publishers, each to its own subscriber
//   mqload fanin    -n 1000 --subs 1 --qos 1         N publishers -> subs of one wildcard
//   mqload fanout   -n 1000 --size 256 -w 16         1 publisher -> N subscribers
//   mqload ingest   -n 1000 --qos 1 -w 8 [--reply]   Alink property posts, PUBACKs/s
//   mqload reflect  --port 18999 --duration 60       a null "broker": an upper bound of this
//                                                    machine for this protocol, not a broker
// Run `mqload --help` for every option.
//
// Closed loop (default): a publisher has at most --window messages in flight,
// counted by --flow: ack (PUBACKs outstanding), e2e (not yet received by the
// subscriber), both, or none (blast; QoS 0 only).  Open loop (--paced RATE):
// messages fall due at fixed times whatever the broker does, and latency is
// counted from the due time, so a stall is not hidden (no coordinated omission).

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i64 = int64_t;

constexpr i64 kSec = 1000000000LL;
constexpr size_t kRead = 256 * 1024;  // bytes asked for per read
constexpr size_t kBuf = 2 * kRead;    // carry + read must fit: bounds the packet size
constexpr size_t kMaxPacket = kBuf - kRead;
constexpr size_t kMaxBacklog = 8u << 20;  // unsent bytes per connection in open loop

inline i64 now_ns() {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * kSec + ts.tv_nsec;
}

// ---------------------------------------------------------------- options

struct Opt {
  std::string scenario, label;
  std::string host = "127.0.0.1";
  int port = 1883;
  bool tls = false;
  std::string ca, tlsver, sni = "localhost";
  int threads = 1;
  u32 n = 100, subs = 1, conc = 50, src = 0, first = 0;
  double conn_rate = 0;
  bool close = false, reply = false, reply_nosub = false, self = false, idle_sub = false, rst = false;
  int qos = 0, sub_qos = -1;
  u32 size = 256, window = 64;
  std::string flow;
  double paced = 0;
  u64 count = 0;
  double warmup = 1, duration = 5, drain = 5, hold = 3, ping = 0, max_seconds = 300, conn_timeout = 60;
  int keepalive = 600;
  std::string user, pass, prefix, pub_topic, sub_topic, share;
  bool aliyun = false;
  std::string pk = "a1BenchPk00", secret = "0123456789abcdef0123456789abcdef", triples, signmethod = "hmacsha256";
  std::vector<int> pids;
};
Opt O;

void usage(FILE* f) {
  fputs(
      "usage: mqload connect|idle|pairs|fanin|fanout|ingest|reflect [options]\n"
      "target       --host 127.0.0.1 --port 1883 --tls --ca FILE --tls-version 1.2|1.3 --sni NAME\n"
      "load         -n N (clients/pairs/publishers/subscribers) --subs K (fanin) --share GROUP\n"
      "             -c C (connects in progress) --conn-rate R (open-loop connects/s) --close\n"
      "             --qos 0|1 --sub-qos Q --size BYTES (>=16) -w WINDOW --flow ack|e2e|both|none\n"
      "             --paced RATE (messages/s over all publishers, open loop) --count MESSAGES\n"
      "             --self (pairs: one connection both publishes and subscribes)\n"
      "             --reply (ingest: wait for post_reply) --reply-nosub (do not SUBSCRIBE to it)\n"
      "             --idle-sub (idle: one subscription each) --ping S (idle: PINGREQ every S s)\n"
      "time         --warmup S --duration S --drain S --hold S --conn-timeout S --max-seconds S\n"
      "identity     --user U --pass P | --aliyun [--pk PK --secret S | --triples FILE] [--first I]\n"
      "             --signmethod hmacsha256|hmacsha1|hmacmd5  --keepalive S --prefix CLIENTID\n"
      "             FILE has a line 'productKey deviceName deviceSecret' per client\n"
      "topics       --pub-topic T --sub-topic T with {i} {pk} {dn} replaced\n"
      "machine      --threads T --src K (source addresses 127.0.0.1..K) --rst (close with RST)\n"
      "             --pid P[,P2] (server CPU and RSS) --label TEXT (copied to the output)\n",
      f);
}

[[noreturn]] void die(const std::string& m) {
  std::string e;
  for (char ch : m) {
    if (ch == '"' || ch == '\\') e += '\\';
    e += ch == '\n' ? ' ' : ch;
  }
  printf("{\"ok\":false,\"scenario\":\"%s\",\"label\":\"%s\",\"error\":\"%s\"}\n", O.scenario.c_str(), O.label.c_str(),
         e.c_str());
  fflush(stdout);
  _exit(2);
}

void parse_args(int argc, char** argv) {
  if (argc < 2 || !strcmp(argv[1], "--help")) {
    usage(argc < 2 ? stderr : stdout);
    exit(argc < 2 ? 2 : 0);
  }
  O.scenario = argv[1];
  std::map<std::string, bool*> flags = {
      {"--tls", &O.tls},       {"--close", &O.close},       {"--reply", &O.reply}, {"--self", &O.self},
      {"--aliyun", &O.aliyun}, {"--idle-sub", &O.idle_sub}, {"--rst", &O.rst},     {"--reply-nosub", &O.reply_nosub}};
  std::map<std::string, std::string*> strs = {{"--host", &O.host},
                                              {"--ca", &O.ca},
                                              {"--tls-version", &O.tlsver},
                                              {"--sni", &O.sni},
                                              {"--flow", &O.flow},
                                              {"--user", &O.user},
                                              {"--pass", &O.pass},
                                              {"--prefix", &O.prefix},
                                              {"--pk", &O.pk},
                                              {"--secret", &O.secret},
                                              {"--triples", &O.triples},
                                              {"--pub-topic", &O.pub_topic},
                                              {"--sub-topic", &O.sub_topic},
                                              {"--label", &O.label},
                                              {"--share", &O.share},
                                              {"--signmethod", &O.signmethod}};
  std::map<std::string, u32*> nums = {{"-n", &O.n},      {"--n", &O.n},           {"--subs", &O.subs},
                                      {"-c", &O.conc},   {"--src", &O.src},       {"--size", &O.size},
                                      {"-w", &O.window}, {"--window", &O.window}, {"--first", &O.first}};
  std::map<std::string, int*> ints = {{"--port", &O.port},
                                      {"--threads", &O.threads},
                                      {"--qos", &O.qos},
                                      {"--sub-qos", &O.sub_qos},
                                      {"--keepalive", &O.keepalive}};
  std::map<std::string, double*> dbls = {{"--conn-rate", &O.conn_rate},
                                         {"--paced", &O.paced},
                                         {"--warmup", &O.warmup},
                                         {"--duration", &O.duration},
                                         {"--drain", &O.drain},
                                         {"--hold", &O.hold},
                                         {"--ping", &O.ping},
                                         {"--max-seconds", &O.max_seconds},
                                         {"--conn-timeout", &O.conn_timeout}};
  for (int i = 2; i < argc; i++) {
    std::string a = argv[i];
    if (auto f = flags.find(a); f != flags.end()) {
      *f->second = true;
      continue;
    }
    if (i + 1 >= argc) die("missing value or unknown option: " + a);
    std::string v = argv[++i];
    if (auto s = strs.find(a); s != strs.end())
      *s->second = v;
    else if (auto x = nums.find(a); x != nums.end())
      *x->second = (u32)strtoul(v.c_str(), nullptr, 10);
    else if (auto y = ints.find(a); y != ints.end())
      *y->second = atoi(v.c_str());
    else if (auto d = dbls.find(a); d != dbls.end())
      *d->second = atof(v.c_str());
    else if (a == "--count")
      O.count = strtoull(v.c_str(), nullptr, 10);
    else if (a == "--pid") {
      std::stringstream ss(v);
      for (std::string p; std::getline(ss, p, ',');) O.pids.push_back(atoi(p.c_str()));
    } else
      die("unknown option: " + a);
  }
  if (O.host == "localhost") O.host = "127.0.0.1";
  in_addr ip;
  if (inet_pton(AF_INET, O.host.c_str(), &ip) != 1 || (ntohl(ip.s_addr) >> 24) != 127)
    die("only 127.0.0.0/8 targets are allowed");
  if (O.size < 16) die("--size must be at least 16");
  if (O.size > kMaxPacket / 2) die("--size is too large");
  if (O.qos < 0 || O.qos > 1) die("--qos must be 0 or 1");
  if (O.n < 1 || O.threads < 1 || O.threads > 64 || O.subs < 1) die("bad -n, --subs or --threads");
  if (O.sub_qos < 0) O.sub_qos = O.qos;
  if (O.flow.empty()) O.flow = O.scenario == "ingest" ? (O.reply ? "both" : "ack") : O.qos ? "both" : "e2e";
  if (O.window < 1) O.window = 1;
  if (O.window > 30000) O.window = 30000;
  if (O.scenario == "ingest" && O.qos == 0 && !O.reply) O.flow = "none";
  if (O.paced > 0) O.flow = "none";
  if (O.prefix.empty()) {
    char b[32];
    snprintf(b, sizeof b, "ml%04x", (unsigned)((now_ns() / 1000) ^ getpid()) & 0xffff);
    O.prefix = b;
  }
  if (O.conc < (u32)O.threads) O.conc = O.threads;
}

// ---------------------------------------------------------------- helpers

// Log-linear histogram, relative error below 0.8 %.
struct Hist {
  static constexpr int S = 7;
  std::vector<u64> b = std::vector<u64>((64 - S + 1) << S);
  u64 cnt = 0, mx = 0;
  double sum = 0;
  static size_t idx(u64 v) {
    if (v < (1u << S)) return v;
    int sh = 63 - __builtin_clzll(v) - S;
    return ((size_t)(sh + 1) << S) + ((v >> sh) & ((1u << S) - 1));
  }
  static double val(size_t i) {
    if (i < (1u << S)) return (double)i;
    int sh = (int)(i >> S) - 1;
    u64 m = (1u << S) | (i & ((1u << S) - 1));
    return (double)(m << sh) + (double)((1ull << sh) >> 1);
  }
  void add(i64 v, u64 n = 1) {
    u64 x = v < 0 ? 0 : (u64)v;
    b[idx(x)] += n;
    cnt += n;
    sum += (double)x * n;
    mx = std::max(mx, x);
  }
  void merge(const Hist& o) {
    for (size_t i = 0; i < b.size(); i++) b[i] += o.b[i];
    cnt += o.cnt;
    sum += o.sum;
    mx = std::max(mx, o.mx);
  }
  double q(double p) const {
    if (!cnt) return 0;
    u64 want = std::max<u64>(1, (u64)std::ceil(p * cnt)), acc = 0;
    for (size_t i = 0; i < b.size(); i++)
      if ((acc += b[i]) >= want) return std::min(val(i), (double)mx);
    return (double)mx;
  }
  std::string json(const char* name) const {
    char s[320];
    snprintf(s, sizeof s,
             ",\"%s_us\":{\"n\":%" PRIu64
             ",\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}",
             name, cnt, cnt ? sum / cnt / 1e3 : 0, q(.5) / 1e3, q(.9) / 1e3, q(.99) / 1e3, q(.999) / 1e3, mx / 1e3);
    return s;
  }
};

// Growable byte buffer without zero-fill.
struct Buf {
  char* p = nullptr;
  size_t len = 0, off = 0, cap = 0;
  ~Buf() { free(p); }
  Buf() = default;
  Buf(const Buf&) = delete;
  char* grow(size_t n) {
    if (len + n > cap) {
      if (off) {
        memmove(p, p + off, len - off);
        len -= off;
        off = 0;
      }
      if (len + n > cap) {
        cap = std::max<size_t>(len + n, cap ? cap * 2 : 64);
        p = (char*)realloc(p, cap);
      }
    }
    char* r = p + len;
    len += n;
    return r;
  }
  void put(const void* d, size_t n) { memcpy(grow(n), d, n); }
  size_t pending() const { return len - off; }
  void done() { len = off = 0; }
  void drop() {
    free(p);
    p = nullptr;
    len = off = cap = 0;
  }
};

double srv_cpu() {  // utime + stime of the server processes, seconds
  double tot = 0;
  for (int pid : O.pids) {
    std::ifstream f("/proc/" + std::to_string(pid) + "/stat");
    std::string s((std::istreambuf_iterator<char>(f)), {});
    size_t r = s.rfind(')');
    if (r == std::string::npos) continue;
    std::istringstream is(s.substr(r + 2));
    std::string tok;
    u64 u = 0, k = 0;
    for (int i = 3; is >> tok; i++) {
      if (i == 14) u = strtoull(tok.c_str(), nullptr, 10);
      if (i == 15) {
        k = strtoull(tok.c_str(), nullptr, 10);
        break;
      }
    }
    tot += (double)(u + k) / (double)sysconf(_SC_CLK_TCK);
  }
  return tot;
}
double self_cpu() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
u64 srv_rss() {
  u64 tot = 0;
  for (int pid : O.pids) {
    std::ifstream f("/proc/" + std::to_string(pid) + "/status");
    for (std::string l; std::getline(f, l);)
      if (l.rfind("VmRSS:", 0) == 0) tot += strtoull(l.c_str() + 6, nullptr, 10) * 1024;
  }
  return tot;
}
u64 tcp_mem() {  // kernel TCP memory, bytes
  std::ifstream f("/proc/net/sockstat");
  for (std::string l; std::getline(f, l);)
    if (l.rfind("TCP:", 0) == 0) {
      size_t p = l.find("mem ");
      if (p != std::string::npos) return strtoull(l.c_str() + p + 4, nullptr, 10) * 4096;
    }
  return 0;
}

void w16(std::string& s, u32 v) {
  s += (char)(v >> 8);
  s += (char)v;
}
void wstr(std::string& s, std::string_view v) {
  w16(s, (u32)v.size());
  s.append(v);
}
void wlen(std::string& s, size_t v) {
  do {
    u8 b = v & 127;
    v >>= 7;
    s += (char)(v ? b | 128 : b);
  } while (v);
}

struct Triple {
  std::string pk, dn, secret;
};
std::vector<Triple> g_triples;

Triple triple(u32 i) {
  if (!g_triples.empty()) return g_triples[i % g_triples.size()];
  char dn[32];
  snprintf(dn, sizeof dn, "dev%06u", i + O.first);
  return {O.pk, dn, O.secret};
}

std::string subst(std::string t, u32 topic_i, u32 client) {
  auto rep = [&t](const char* k, const std::string& v) {
    for (size_t p; (p = t.find(k)) != std::string::npos;) t.replace(p, strlen(k), v);
  };
  rep("{i}", std::to_string(topic_i));
  if (t.find('{') != std::string::npos) {
    Triple tr = triple(client);
    rep("{pk}", tr.pk);
    rep("{dn}", tr.dn);
  }
  return t;
}

std::string hmac_hex(const std::string& key, const std::string& msg) {
  const EVP_MD* md = O.signmethod == "hmacsha1" ? EVP_sha1() : O.signmethod == "hmacmd5" ? EVP_md5() : EVP_sha256();
  unsigned char d[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  HMAC(md, key.data(), (int)key.size(), (const unsigned char*)msg.data(), msg.size(), d, &n);
  static const char* hx = "0123456789abcdef";
  std::string s;
  for (unsigned i = 0; i < n; i++) {
    s += hx[d[i] >> 4];
    s += hx[d[i] & 15];
  }
  return s;
}

std::string connect_packet(u32 client) {
  std::string cid, user = O.user, pass = O.pass;
  bool cred = !O.user.empty();
  if (O.aliyun) {
    Triple t = triple(client);
    std::string id = t.pk + "." + t.dn;
    static const std::string ts = std::to_string((u64)time(nullptr) * 1000);
    cid = id + "|securemode=" + (O.tls ? "2" : "3") + ",signmethod=" + O.signmethod + ",timestamp=" + ts + "|";
    user = t.dn + "&" + t.pk;
    pass = hmac_hex(t.secret, "clientId" + id + "deviceName" + t.dn + "productKey" + t.pk + "timestamp" + ts);
    cred = true;
  } else {
    cid = O.prefix + "-" + std::to_string(client);
  }
  std::string b;
  wstr(b, "MQTT");
  b += (char)4;
  b += (char)(2 | (cred ? 0xC0 : 0));
  w16(b, (u32)O.keepalive);
  wstr(b, cid);
  if (cred) {
    wstr(b, user);
    wstr(b, pass);
  }
  std::string p("\x10", 1);
  wlen(p, b.size());
  return p + b;
}

std::string subscribe_packet(const std::string& topic, int qos) {
  std::string b;
  w16(b, 1);
  wstr(b, topic);
  b += (char)qos;
  std::string p("\x82", 1);
  wlen(p, b.size());
  return p + b;
}

// ---------------------------------------------------------------- run state

enum Phase { P_CONNECT, P_RUN, P_DRAIN, P_DONE };
enum St : u8 { S_NEW, S_TCP, S_TLS, S_CONNACK, S_SUBACK, S_READY, S_CLOSED };

std::atomic<int> g_phase{P_CONNECT};
std::atomic<i64> g_run{0}, g_mstart{0}, g_mend{INT64_MAX};
std::mutex g_err_mu;
std::map<std::string, u64> g_errs;

void note(const std::string& e) {
  std::lock_guard<std::mutex> l(g_err_mu);
  g_errs[e]++;
}

struct Conn;

struct Pub {
  Conn* c = nullptr;
  u32 id = 0;
  u32 worker = 0;
  std::string tmpl;
  size_t off_pid = 0, off_pay = 0, off_temp = 0, off_hum = 0;
  u32 seq = 0;
  u16 pid = 0;
  bool queued = false;
  i64 unacked = 0;
  i64 undelivered = 0;  // e2e credit in use
  u64 fan_recv = 0;     // fanout: deliveries seen over all subscribers
  i64 progress = 0;
  u64 stop_at = UINT64_MAX;
  std::vector<i64> ack_ts, rep_ts;
};

struct Sub {
  u32 id = 0;
  Pub* peer = nullptr;    // pairs: the publisher credited by this subscriber
  bool credits = false;   // fanin: this subscriber's receipts free publishers' windows
  std::vector<u32> next;  // next expected sequence number by publisher (pairs, fanout: one)
};

struct Conn {
  int fd = -1;
  u32 idx = 0;
  u8 st = S_NEW;
  bool want_out = false, dirty = false;
  SSL* ssl = nullptr;
  i64 t0 = 0;
  std::string carry;
  Buf out;
  Pub* pub = nullptr;
  Sub* sub = nullptr;
};

struct alignas(64) Ctr {
  std::atomic<u64> ready{0}, failed{0}, dropped{0}, sent{0}, rx{0}, rx_bytes{0}, acked{0}, replied{0}, gaps{0}, ooo{0},
      stalls{0}, bad{0}, skipped{0}, pings{0};
  std::atomic<i64> last_ready{0}, last_rx{0};
};
inline void bump(std::atomic<u64>& a, u64 n = 1) {
  a.store(a.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

enum Kind { K_CONNECT, K_IDLE, K_PAIRS, K_FANIN, K_FANOUT, K_INGEST };
Kind g_kind;
bool g_flow_ack, g_flow_e2e, g_flow_none;
std::vector<std::unique_ptr<Pub>> g_pubs;
std::vector<std::unique_ptr<Sub>> g_subs;

struct Worker {
  int id = 0, ep = -1, ev = -1;
  std::vector<Conn> conns;
  std::vector<Pub*> pubs, ready;
  std::vector<Conn*> dirty;
  std::vector<char> rbuf = std::vector<char>(kBuf);
  SSL_CTX* ctx = nullptr;
  Ctr c;
  Hist h_conn, h_e2e, h_ack, h_rep, h_late, h_ping;
  size_t next_conn = 0;
  u32 inflight = 0, conc = 1;
  i64 t_begin = 0, last_stall_check = 0;
  bool started = false;
  u64 paced_k = 0;
  size_t rr = 0;
  u64 rnd = 88172645463325252ull;
  // credits from other workers
  std::mutex mb_mu;
  std::vector<u32> mb;
  u64 mb_fan = 0;
  std::vector<std::vector<u32>> credit_out;
  u64 fan_out = 0;
  std::thread th;

  u64 rand() {
    rnd ^= rnd << 13;
    rnd ^= rnd >> 7;
    return rnd ^= rnd << 17;
  }

  void ctl(Conn* x, int op, u32 events) {
    epoll_event e{};
    e.events = events;
    e.data.ptr = x;
    epoll_ctl(ep, op, x->fd, &e);
  }

  void fail(Conn* x, const std::string& why) {
    if (x->st == S_CLOSED) return;
    bool was_ready = x->st == S_READY;
    if (x->ssl) SSL_free(x->ssl), x->ssl = nullptr;
    if (x->fd >= 0) close(x->fd), x->fd = -1;
    x->st = S_CLOSED;
    x->out.drop();
    if (was_ready)
      bump(c.dropped);
    else {
      bump(c.failed);
      inflight--;
    }
    note(why);
  }

  // ---- writing

  bool flush(Conn* x) {
    while (x->out.pending()) {
      ssize_t n;
      if (x->ssl) {
        n = SSL_write(x->ssl, x->out.p + x->out.off, (int)std::min<size_t>(x->out.pending(), 1 << 20));
        if (n <= 0) {
          int e = SSL_get_error(x->ssl, (int)n);
          if (e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ) goto blocked;
          ERR_clear_error();
          fail(x, "tls write");
          return false;
        }
      } else {
        n = send(x->fd, x->out.p + x->out.off, x->out.pending(), MSG_NOSIGNAL);
        if (n < 0) {
          if (errno == EAGAIN) goto blocked;
          if (errno == EINTR) continue;
          fail(x, std::string("send: ") + strerror(errno));
          return false;
        }
      }
      x->out.off += (size_t)n;
    }
    x->out.done();
    if (x->want_out) {
      x->want_out = false;
      ctl(x, EPOLL_CTL_MOD, EPOLLIN);
      if (x->pub) queue(x->pub);
    }
    return true;
  blocked:
    if (!x->want_out) {
      x->want_out = true;
      ctl(x, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    return true;
  }
  void mark(Conn* x) {
    if (!x->dirty) {
      x->dirty = true;
      dirty.push_back(x);
    }
  }
  void queue(Pub* p) {
    if (!p->queued) {
      p->queued = true;
      ready.push_back(p);
    }
  }

  // Appends n messages stamped with ts.
  void emit(Pub* p, u32 n, i64 ts) {
    const size_t L = p->tmpl.size();
    char* d = p->c->out.grow(n * L);
    for (u32 i = 0; i < n; i++, d += L) {
      memcpy(d, p->tmpl.data(), L);
      u32 seq = p->seq++;
      if (O.qos) {
        if (++p->pid == 0) p->pid = 1;
        d[p->off_pid] = (char)(p->pid >> 8);
        d[p->off_pid + 1] = (char)p->pid;
        p->ack_ts[p->pid & (p->ack_ts.size() - 1)] = ts;
      }
      char* pay = d + p->off_pay;
      if (g_kind == K_INGEST) {
        u32 id = 1000000000u + seq;
        for (int k = 9; k >= 0; k--, id /= 10) pay[7 + k] = (char)('0' + id % 10);
        u64 r = rand();
        char *t = pay + p->off_temp, *h = pay + p->off_hum;  // "20.0" to "39.9", "40.0" to "79.9"
        t[0] = (char)('2' + (r & 1));
        t[1] = (char)('0' + (r >> 8) % 10);
        t[3] = (char)('0' + (r >> 16) % 10);
        h[0] = (char)('4' + (r >> 24) % 4);
        h[1] = (char)('0' + (r >> 32) % 10);
        h[3] = (char)('0' + (r >> 40) % 10);
        if (O.reply) p->rep_ts[seq & (p->rep_ts.size() - 1)] = ts;
      } else {
        memcpy(pay, &ts, 8);
        memcpy(pay + 8, &p->id, 4);
        memcpy(pay + 12, &seq, 4);
      }
    }
    p->unacked += O.qos ? n : 0;
    p->undelivered += n;
    bump(c.sent, n);
    mark(p->c);
  }

  i64 room(Pub* p) const {
    if (p->c->st != S_READY) return 0;
    i64 left = (i64)std::min<u64>(p->stop_at - p->seq, INT32_MAX);
    if (g_flow_none) {
      size_t pend = p->c->out.pending();
      return p->c->want_out || pend > 65536 ? 0 : std::min<i64>(left, 1 + (i64)(32768 / p->tmpl.size()));
    }
    i64 used = 0;
    if (g_flow_ack && O.qos) used = p->unacked;
    if (g_flow_e2e) used = std::max(used, g_kind == K_FANOUT ? (i64)p->seq - (i64)(p->fan_recv / O.n) : p->undelivered);
    return std::min<i64>(left, (i64)O.window - used);
  }

  void pump(i64 now) {
    if (ready.empty()) return;
    std::vector<Pub*> r;
    r.swap(ready);
    for (Pub* p : r) {
      p->queued = false;
      i64 n = room(p);
      if (n > 0) {
        emit(p, (u32)std::min<i64>(n, 1 + (i64)(262144 / p->tmpl.size())), now);
        if (p->progress == 0) p->progress = now;
      }
      if (g_flow_none && p->c->st == S_READY && !p->c->want_out && p->seq < p->stop_at) queue(p);
    }
  }

  // Emits every message that has fallen due; returns the next due time.
  i64 pace(i64 now) {
    const i64 t0 = g_run.load(), end = g_mend.load();
    for (;;) {
      u64 k = paced_k * (u64)O.threads + (u64)id;
      i64 due = t0 + (i64)((double)k * 1e9 / O.paced);
      if (due >= end || (O.count && k >= O.count)) return INT64_MAX;
      if (due > now) return due;
      paced_k++;
      if (pubs.empty()) continue;
      Pub* p = pubs[rr];
      if (++rr == pubs.size()) rr = 0;
      if (p->c->st != S_READY || p->c->out.pending() > kMaxBacklog) {
        bump(c.skipped);
        continue;
      }
      emit(p, 1, due);
      if (due >= g_mstart.load()) h_late.add(now - due);
    }
  }

  i64 pinger(i64 now) {
    const i64 t0 = g_run.load(), end = g_mend.load();
    const double per = O.ping * 1e9 / (double)std::max<size_t>(1, conns.size());
    for (;;) {
      i64 due = t0 + (i64)((double)paced_k * per);
      if (due >= end) return INT64_MAX;
      if (due > now) return due;
      Conn* x = &conns[paced_k++ % conns.size()];
      if (x->st != S_READY) continue;
      x->t0 = due;
      x->out.put("\xC0\x00", 2);
      mark(x);
    }
  }

  // ---- connecting

  void open_one(Conn* x, i64 due) {
    inflight++;
    x->t0 = due;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      x->st = S_TCP;
      fail(x, std::string("socket: ") + strerror(errno));
      return;
    }
    x->fd = fd;
    x->st = S_TCP;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (O.rst) {
      linger l{1, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    }
    if (O.src > 1) {
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
      sockaddr_in s{};
      s.sin_family = AF_INET;
      s.sin_addr.s_addr = htonl(0x7f000001u + x->idx % O.src);
      if (bind(fd, (sockaddr*)&s, sizeof s)) {
        fail(x, std::string("bind: ") + strerror(errno));
        return;
      }
    }
    sockaddr_in d{};
    d.sin_family = AF_INET;
    d.sin_port = htons((u16)O.port);
    inet_pton(AF_INET, O.host.c_str(), &d.sin_addr);
    if (connect(fd, (sockaddr*)&d, sizeof d) == 0) {
      ctl(x, EPOLL_CTL_ADD, EPOLLIN);
      tcp_up(x);
    } else if (errno == EINPROGRESS) {
      ctl(x, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    } else {
      fail(x, std::string("connect: ") + strerror(errno));
    }
  }
  void tcp_up(Conn* x) {
    if (O.tls) {
      x->ssl = SSL_new(ctx);
      SSL_set_fd(x->ssl, x->fd);
      SSL_set_tlsext_host_name(x->ssl, O.sni.c_str());
      SSL_set_connect_state(x->ssl);
      x->st = S_TLS;
      handshake(x);
    } else {
      send_connect(x);
    }
  }
  void handshake(Conn* x) {
    int r = SSL_do_handshake(x->ssl);
    if (r == 1) {
      if (x->want_out) {
        x->want_out = false;
        ctl(x, EPOLL_CTL_MOD, EPOLLIN);
      }
      send_connect(x);
      return;
    }
    int e = SSL_get_error(x->ssl, r);
    if (e == SSL_ERROR_WANT_READ) return;
    if (e == SSL_ERROR_WANT_WRITE) {
      if (!x->want_out) {
        x->want_out = true;
        ctl(x, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      }
      return;
    }
    unsigned long er = ERR_get_error();
    ERR_clear_error();
    fail(x, std::string("tls handshake: ") + (er ? ERR_reason_error_string(er) : "closed"));
  }
  void send_connect(Conn* x) {
    std::string p = connect_packet(x->idx);
    x->out.put(p.data(), p.size());
    x->st = S_CONNACK;
    flush(x);
  }
  std::string sub_topic_of(Conn* x) {
    if (!O.sub_topic.empty()) return subst(O.sub_topic, x->sub ? x->sub->id : x->idx, x->idx);
    std::string g = O.share.empty() ? "" : "$share/" + O.share + "/";
    switch (g_kind) {
      case K_PAIRS:
        return "mqload/p/" + std::to_string(x->sub->id);
      case K_FANIN:
        return g + "mqload/in/#";
      case K_FANOUT:
        return "mqload/out";
      case K_INGEST:
        return subst("/sys/{pk}/{dn}/thing/event/property/post_reply", 0, x->idx);
      default:
        return subst("/sys/{pk}/{dn}/thing/service/property/set", 0, x->idx);
    }
  }
  bool wants_sub(Conn* x) {
    if (g_kind == K_INGEST) return O.reply && !O.reply_nosub;
    if (g_kind == K_IDLE) return O.idle_sub;
    return x->sub != nullptr;
  }
  void is_ready(Conn* x) {
    x->st = S_READY;
    inflight--;
    bump(c.ready);
    if (!x->pub && (!x->sub || O.sub_qos == 0)) x->out.drop();
  }

  // ---- reading

  void credit(Pub* p, u32 n, i64 now) {
    p->undelivered = std::max<i64>(0, p->undelivered - n);
    p->progress = now;
    queue(p);
  }

  void on_publish(Conn* x, u8 hdr, const char* b, size_t n, i64 now) {
    if (n < 2) return bump(c.bad);
    size_t tl = ((u8)b[0] << 8) | (u8)b[1], o = 2 + tl;
    int q = (hdr >> 1) & 3;
    if (q) {
      if (n < o + 2) return bump(c.bad);
      char* a = x->out.grow(4);
      a[0] = 0x40;
      a[1] = 2;
      a[2] = b[o];
      a[3] = b[o + 1];
      o += 2;
      mark(x);
    }
    if (n < o) return bump(c.bad);
    const char* pay = b + o;
    size_t pl = n - o;
    if (g_kind == K_INGEST) {
      Pub* p = x->pub;
      const char* e = pl > 8 ? (const char*)memmem(pay, pl, "\"id\":\"", 6) : nullptr;
      if (!p || !e || !memmem(b + 2, tl, "post_reply", 10)) return bump(c.bad);
      u32 id = 0;
      for (e += 6; e < pay + pl && *e >= '0' && *e <= '9'; e++) id = id * 10 + (u32)(*e - '0');
      u32 seq = id - 1000000000u;
      if (seq >= p->seq || !memmem(pay, pl, "\"code\":200", 10)) return bump(c.bad);
      i64& ts = p->rep_ts[seq & (p->rep_ts.size() - 1)];
      if (!ts) return bump(c.ooo);
      if (ts >= g_mstart.load(std::memory_order_relaxed) && ts < g_mend.load(std::memory_order_relaxed))
        h_rep.add(now - ts);
      ts = 0;
      bump(c.replied);
      if (g_flow_e2e) credit(p, 1, now);
      return;
    }
    Sub* s = x->sub;
    if (!s || pl < 16) return bump(c.bad);
    i64 ts;
    u32 pub, seq;
    memcpy(&ts, pay, 8);
    memcpy(&pub, pay + 8, 4);
    memcpy(&seq, pay + 12, 4);
    size_t slot = g_kind == K_FANIN ? pub : 0;
    if (slot >= s->next.size() || pub >= g_pubs.size()) return bump(c.bad);
    u32& nx = s->next[slot];
    if (seq == nx)
      nx++;
    else if ((i64)(int32_t)(seq - nx) > 0) {
      if (O.share.empty()) bump(c.gaps, seq - nx);
      nx = seq + 1;
    } else
      bump(c.ooo);
    batch_rx++;
    batch_bytes += pl;
    if (ts >= batch_ms && ts < batch_me) h_e2e.add(now - ts);
    if (!g_flow_e2e) return;
    if (g_kind == K_PAIRS)
      credit(s->peer, 1, now);
    else if (g_kind == K_FANOUT)
      fan_out++;
    else if (s->credits) {
      Pub* p = g_pubs[pub].get();
      if (p->worker == (u32)id)
        credit(p, 1, now);
      else
        credit_out[p->worker].push_back(pub);
    }
  }
  u64 batch_rx = 0, batch_bytes = 0;
  i64 batch_ms = 0, batch_me = 0;

  // Handles one whole packet; false when the connection is gone.
  bool packet(Conn* x, u8 hdr, const char* b, size_t n, i64 now) {
    switch (hdr >> 4) {
      case 3:
        on_publish(x, hdr, b, n, now);
        return true;
      case 4: {
        Pub* p = x->pub;
        if (!p || n < 2) return bump(c.bad), true;
        u16 pid = (u16)(((u8)b[0] << 8) | (u8)b[1]);
        i64& ts = p->ack_ts[pid & (p->ack_ts.size() - 1)];
        if (!ts) return bump(c.ooo), true;
        if (ts >= batch_ms && ts < batch_me) h_ack.add(now - ts);
        ts = 0;
        bump(c.acked);
        p->unacked = std::max<i64>(0, p->unacked - 1);
        p->progress = now;
        if (g_flow_ack) queue(p);
        return true;
      }
      case 2:
        if (x->st != S_CONNACK || n < 2) return fail(x, "unexpected CONNACK"), false;
        if (b[1]) return fail(x, "CONNACK code " + std::to_string((int)b[1])), false;
        if (g_kind == K_CONNECT || g_kind == K_IDLE) {
          h_conn.add(now - x->t0);
          c.last_ready.store(now, std::memory_order_relaxed);
        }
        if (wants_sub(x)) {
          std::string p = subscribe_packet(sub_topic_of(x), O.sub_qos);
          x->out.put(p.data(), p.size());
          x->st = S_SUBACK;
          return flush(x);
        }
        is_ready(x);
        if (O.close && g_kind == K_CONNECT) {
          x->out.put("\xE0\x00", 2);
          if (flush(x)) {
            x->st = S_CLOSED;
            if (x->ssl) SSL_shutdown(x->ssl), SSL_free(x->ssl), x->ssl = nullptr;
            close(x->fd);
            x->fd = -1;
            x->out.drop();
          }
          return false;
        }
        return true;
      case 9:
        if (x->st == S_SUBACK) {
          if (n < 3 || ((u8)b[2] & 0x80)) return fail(x, "SUBACK failure"), false;
          is_ready(x);
        }
        return true;
      case 13:
        if (g_phase.load(std::memory_order_relaxed) == P_RUN) h_ping.add(now - x->t0);
        bump(c.pings);
        return true;
      default:
        fail(x, "unexpected packet type " + std::to_string(hdr >> 4));
        return false;
    }
  }

  void readable(Conn* x) {
    for (;;) {
      size_t have = x->carry.size();
      if (have) memcpy(rbuf.data(), x->carry.data(), have);
      ssize_t n = 0;
      bool again = false;
      if (x->ssl) {
        size_t got = 0;
        while (got < kRead) {
          int r = SSL_read(x->ssl, rbuf.data() + have + got, (int)(kRead - got));
          if (r > 0) {
            got += (size_t)r;
            continue;
          }
          int e = SSL_get_error(x->ssl, r);
          if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) break;
          ERR_clear_error();
          if (!got) return fail(x, "tls closed by server");
          break;
        }
        if (!got) return;
        again = got >= kRead;
        n = (ssize_t)got;
      } else {
        n = recv(x->fd, rbuf.data() + have, kRead, 0);
        if (n == 0) return fail(x, "closed by server");
        if (n < 0) {
          if (errno == EAGAIN || errno == EINTR) return;
          return fail(x, std::string("recv: ") + strerror(errno));
        }
      }
      const i64 now = now_ns();
      batch_rx = batch_bytes = 0;
      batch_ms = g_mstart.load(std::memory_order_relaxed);
      batch_me = g_mend.load(std::memory_order_relaxed);
      const char* p = rbuf.data();
      const char* end = p + have + (size_t)n;
      bool alive = true;
      while (alive && end - p >= 2) {
        size_t len = 0;
        int sh = 0;
        const char* q = p + 1;
        bool whole = false;
        while (q < end && sh < 28) {
          u8 v = (u8)*q++;
          len |= (size_t)(v & 127) << sh;
          sh += 7;
          if (!(v & 128)) {
            whole = true;
            break;
          }
        }
        if (len > kMaxPacket || (!whole && sh >= 28)) {
          fail(x, "packet too large");
          alive = false;
          break;
        }
        if (!whole || (size_t)(end - q) < len) break;
        alive = packet(x, (u8)*p, q, len, now);
        p = q + len;
      }
      if (batch_rx) {
        bump(c.rx, batch_rx);
        bump(c.rx_bytes, batch_bytes);
        c.last_rx.store(now, std::memory_order_relaxed);
      }
      if (!alive || x->st == S_CLOSED) return;
      if (p < end)
        x->carry.assign(p, (size_t)(end - p));
      else if (have)
        x->carry.clear();
      if (!again) return;
    }
  }

  // ---- loop

  void make_ctx() {
    if (!O.tls) return;
    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    if (O.tlsver == "1.2") SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    if (O.tlsver == "1.3") SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    if (!O.ca.empty()) {
      if (SSL_CTX_load_verify_locations(ctx, O.ca.c_str(), nullptr) != 1) die("cannot load " + O.ca);
      SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    }
  }

  void run() {
    prctl(PR_SET_TIMERSLACK, 1000);
    make_ctx();
    std::vector<epoll_event> evs(1024);
    t_begin = now_ns();
    for (;;) {
      const int ph = g_phase.load(std::memory_order_acquire);
      if (ph == P_DONE) break;
      i64 now = now_ns(), wake = now + kSec / 10;
      if (ph == P_CONNECT) {
        wake = now + 5000000;
        while (next_conn < conns.size() && inflight < conc) {
          i64 due = now_ns();
          if (O.conn_rate > 0) {
            i64 d = t_begin + (i64)((double)next_conn * 1e9 * O.threads / O.conn_rate);
            if (d > due) {
              wake = std::min(wake, d);
              break;
            }
            due = d;
          }
          open_one(&conns[next_conn++], due);
        }
      } else if (ph == P_RUN) {
        if (now < g_run.load()) {
          wake = g_run.load();
        } else if (g_kind == K_IDLE) {
          if (O.ping > 0) wake = std::min(wake, pinger(now));
        } else if (O.paced > 0) {
          wake = std::min(wake, pace(now));
        } else if (now < g_mend.load()) {
          if (!started) {
            started = true;
            for (Pub* p : pubs) queue(p);
          }
          if (!g_flow_none && now - last_stall_check > kSec / 10) {
            last_stall_check = now;
            for (Pub* p : pubs)
              if (room(p) <= 0 && p->c->st == S_READY && p->seq < p->stop_at && p->progress &&
                  now - p->progress > kSec && !p->c->want_out) {
                p->undelivered = p->unacked = 0;
                p->fan_recv = (u64)p->seq * O.n;
                p->progress = now;
                bump(c.stalls);
                queue(p);
              }
          }
          pump(now);
          if (!ready.empty()) wake = now;
          wake = std::min(wake, g_mend.load());
        }
      }
      for (size_t i = 0; i < dirty.size(); i++) {
        Conn* x = dirty[i];
        x->dirty = false;
        if (x->st != S_CLOSED && !x->want_out) flush(x);
      }
      dirty.clear();
      if (ph == P_RUN && !g_flow_none && !ready.empty() && O.paced <= 0 && now < g_mend.load()) wake = now;
      now = now_ns();
      i64 d = std::max<i64>(0, wake - now);
      timespec ts{d / kSec, d % kSec};
      int n = epoll_pwait2(ep, evs.data(), (int)evs.size(), &ts, nullptr);
      for (int i = 0; i < n; i++) {
        Conn* x = (Conn*)evs[(size_t)i].data.ptr;
        if (!x) {
          u64 v;
          (void)!read(ev, &v, 8);
          continue;
        }
        if (x->st == S_CLOSED) continue;
        u32 e = evs[(size_t)i].events;
        if (x->st == S_TCP) {
          int err = 0;
          socklen_t l = sizeof err;
          getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &err, &l);
          if (err) {
            fail(x, std::string("connect: ") + strerror(err));
            continue;
          }
          ctl(x, EPOLL_CTL_MOD, EPOLLIN);
          tcp_up(x);
          continue;
        }
        if (x->st == S_TLS) {
          handshake(x);
          if (x->st == S_TLS || x->st == S_CLOSED) continue;
        }
        if (e & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(x);
        if ((e & EPOLLOUT) && x->st != S_CLOSED) flush(x);
      }
      exchange();
    }
    for (auto& x : conns)
      if (x.fd >= 0) {
        if (x.st == S_READY && !O.rst && !x.want_out && conns.size() < 5000) {
          x.out.done();
          x.out.put("\xE0\x00", 2);
          flush(&x);
        }
        if (x.fd >= 0) close(x.fd);
        if (x.ssl) SSL_free(x.ssl);
      }
    if (ctx) SSL_CTX_free(ctx);
  }

  void exchange();
};

std::vector<std::unique_ptr<Worker>> g_w;

void Worker::exchange() {
  if (fan_out) {
    Worker* t = g_w[g_pubs[0]->worker].get();
    if (t == this) {
      g_pubs[0]->fan_recv += fan_out;
      g_pubs[0]->progress = now_ns();
      queue(g_pubs[0].get());
    } else {
      bool wakeup;
      {
        std::lock_guard<std::mutex> l(t->mb_mu);
        wakeup = !t->mb_fan;
        t->mb_fan += fan_out;
      }
      u64 one = 1;
      if (wakeup) (void)!write(t->ev, &one, 8);
    }
    fan_out = 0;
  }
  for (size_t k = 0; k < credit_out.size(); k++) {
    auto& v = credit_out[k];
    if (v.empty()) continue;
    Worker* t = g_w[k].get();
    bool wakeup;
    {
      std::lock_guard<std::mutex> l(t->mb_mu);
      wakeup = t->mb.empty();
      t->mb.insert(t->mb.end(), v.begin(), v.end());
    }
    v.clear();
    u64 one = 1;
    if (wakeup) (void)!write(t->ev, &one, 8);
  }
  if (O.threads > 1) {
    std::vector<u32> in;
    u64 fan = 0;
    {
      std::lock_guard<std::mutex> l(mb_mu);
      in.swap(mb);
      std::swap(fan, mb_fan);
    }
    i64 now = in.empty() && !fan ? 0 : now_ns();
    for (u32 p : in) credit(g_pubs[p].get(), 1, now);
    if (fan) {
      g_pubs[0]->fan_recv += fan;
      g_pubs[0]->progress = now;
      queue(g_pubs[0].get());
    }
  }
}

// ---------------------------------------------------------------- set-up

void make_template(Pub* p, u32 client) {
  std::string topic = O.pub_topic, pay;
  if (!topic.empty())
    topic = subst(topic, p->id, client);
  else if (g_kind == K_PAIRS)
    topic = "mqload/p/" + std::to_string(p->id);
  else if (g_kind == K_FANIN)
    topic = "mqload/in/" + std::to_string(p->id);
  else if (g_kind == K_FANOUT)
    topic = "mqload/out";
  else
    topic = subst("/sys/{pk}/{dn}/thing/event/property/post", p->id, client);
  if (g_kind == K_INGEST)
    pay =
        "{\"id\":\"1000000000\",\"version\":\"1.0\",\"sys\":{\"ack\":1},\"params\":{\"temperature\":00.0,\"humidity\":"
        "00.0},"
        "\"method\":\"thing.event.property.post\"}";
  else
    pay.assign(O.size, 'x');
  if (g_kind == K_INGEST) {
    p->off_temp = pay.find("00.0");
    p->off_hum = pay.rfind("00.0");
  }
  std::string body;
  wstr(body, topic);
  size_t opid = body.size();
  if (O.qos) w16(body, 0);
  size_t opay = body.size();
  body += pay;
  p->tmpl = std::string(1, (char)(0x30 | O.qos << 1));
  wlen(p->tmpl, body.size());
  p->off_pid = p->tmpl.size() + opid;
  p->off_pay = p->tmpl.size() + opay;
  p->tmpl += body;
  size_t ring = 1024;
  while (ring < 4u * O.window && ring < 65536) ring *= 2;
  if (O.paced > 0) ring = 4096;
  if (O.qos) p->ack_ts.assign(ring, 0);
  if (g_kind == K_INGEST && O.reply) p->rep_ts.assign(ring, 0);
}

struct Sum {
  u64 ready = 0, failed = 0, dropped = 0, sent = 0, rx = 0, rx_bytes = 0, acked = 0, replied = 0, gaps = 0, ooo = 0,
      stalls = 0, bad = 0, skipped = 0, pings = 0;
  i64 last_ready = 0, last_rx = 0;
};
Sum sum() {
  Sum s;
  for (auto& w : g_w) {
    const Ctr& c = w->c;
    s.ready += c.ready, s.failed += c.failed, s.dropped += c.dropped, s.sent += c.sent, s.rx += c.rx;
    s.rx_bytes += c.rx_bytes, s.acked += c.acked, s.replied += c.replied, s.gaps += c.gaps, s.ooo += c.ooo;
    s.stalls += c.stalls, s.bad += c.bad, s.skipped += c.skipped, s.pings += c.pings;
    s.last_ready = std::max<i64>(s.last_ready, c.last_ready);
    s.last_rx = std::max<i64>(s.last_rx, c.last_rx);
  }
  return s;
}

void sleep_until(i64 t) {
  for (i64 d; (d = t - now_ns()) > 0;) {
    timespec ts{d / kSec, d % kSec};
    nanosleep(&ts, nullptr);
  }
}

std::string errs_json() {
  std::lock_guard<std::mutex> l(g_err_mu);
  std::string s = ",\"errors\":{";
  bool first = true;
  for (auto& [k, v] : g_errs) {
    if (!first) s += ',';
    first = false;
    s += "\"" + k + "\":" + std::to_string(v);
  }
  return s + "}";
}

std::string fmt(const char* f, double v) {
  char b[64];
  snprintf(b, sizeof b, f, v);
  return b;
}
std::string kv(const char* k, double v, int prec = 0) {
  return ",\"" + std::string(k) + "\":" + fmt(("%." + std::to_string(prec) + "f").c_str(), v);
}

std::string head(bool ok) {
  std::string s = std::string("{\"ok\":") + (ok ? "true" : "false") + ",\"scenario\":\"" + O.scenario +
                  "\",\"label\":\"" + O.label + "\"" + kv("n", O.n) + kv("threads", O.threads) +
                  ",\"tls\":" + (O.tls ? "true" : "false");
  return s;
}

int drive() {
  static const std::map<std::string, Kind> kinds = {{"connect", K_CONNECT}, {"idle", K_IDLE},     {"pairs", K_PAIRS},
                                                    {"fanin", K_FANIN},     {"fanout", K_FANOUT}, {"ingest", K_INGEST}};
  auto k = kinds.find(O.scenario);
  if (k == kinds.end()) die("unknown scenario");
  g_kind = k->second;
  g_flow_ack = O.flow == "ack" || O.flow == "both";
  g_flow_e2e = O.flow == "e2e" || O.flow == "both";
  g_flow_none = O.flow == "none";
  if (!g_flow_ack && !g_flow_e2e && !g_flow_none) die("bad --flow");
  if (O.qos == 0 && O.flow == "ack") die("--flow ack needs --qos 1");
  if (g_kind == K_INGEST && !O.reply && g_flow_e2e) die("--flow e2e needs --reply in ingest");
  if (!O.triples.empty()) {
    std::ifstream f(O.triples);
    for (Triple t; f >> t.pk >> t.dn >> t.secret;) g_triples.push_back(t);
    if (g_triples.empty()) die("no triples in " + O.triples);
  }

  // Clients: subscribers first, then publishers.
  u32 nsub = 0, npub = 0, plain = 0;
  switch (g_kind) {
    case K_CONNECT:
    case K_IDLE:
      plain = O.n;
      break;
    case K_PAIRS:
      nsub = npub = O.n;
      break;
    case K_FANIN:
      nsub = O.subs, npub = O.n;
      break;
    case K_FANOUT:
      nsub = O.n, npub = 1;
      break;
    case K_INGEST:
      npub = O.n;
      break;
  }
  u32 total = plain + nsub + (O.self && g_kind == K_PAIRS ? 0 : npub);
  rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rlim_t need = total + 100u + 2u * (u32)O.threads;
  if (rl.rlim_cur < need) {
    rlimit want{need, std::max<rlim_t>(need, rl.rlim_max)};
    if (setrlimit(RLIMIT_NOFILE, &want)) {
      want = {rl.rlim_max, rl.rlim_max};
      setrlimit(RLIMIT_NOFILE, &want);
      if (rl.rlim_max < need)
        die("needs " + std::to_string(need) + " file descriptors, the limit is " + std::to_string(rl.rlim_max));
    }
  }
  // The kernel's search for a free source port slows down long before an address
  // runs out of its 28k ports.
  if (!O.src) O.src = total > 8000 ? total / 4000 + 1 : 1;

  for (int i = 0; i < O.threads; i++) {
    auto w = std::make_unique<Worker>();
    w->id = i;
    w->ep = epoll_create1(EPOLL_CLOEXEC);
    w->ev = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_event e{};
    e.events = EPOLLIN;
    epoll_ctl(w->ep, EPOLL_CTL_ADD, w->ev, &e);
    w->conc = std::max(1u, O.conc / (u32)O.threads);
    w->credit_out.resize((size_t)O.threads);
    g_w.push_back(std::move(w));
  }
  // A pair lives on one thread; everything else is spread round robin.
  std::vector<u32> cnt((size_t)O.threads, 0);
  auto T = (u32)O.threads;
  for (u32 i = 0; i < plain; i++) cnt[i % T]++;
  for (u32 i = 0; i < nsub; i++) cnt[i % T]++;
  if (!(O.self && g_kind == K_PAIRS))
    for (u32 i = 0; i < npub; i++) cnt[i % T]++;
  for (u32 t = 0; t < T; t++) {
    std::vector<Conn> v(cnt[t]);
    g_w[t]->conns.swap(v);
    cnt[t] = 0;
  }
  u32 client = 0;
  auto take = [&](u32 t) {
    Conn* x = &g_w[t]->conns[cnt[t]++];
    x->idx = client++;
    return x;
  };
  for (u32 i = 0; i < plain; i++) take(i % T);
  for (u32 i = 0; i < nsub; i++) {
    Conn* x = take(i % T);
    auto s = std::make_unique<Sub>();
    s->id = i;
    s->credits = i == 0 || !O.share.empty();
    s->next.assign(g_kind == K_FANIN ? npub : 1, 0);
    x->sub = s.get();
    g_subs.push_back(std::move(s));
  }
  for (u32 i = 0; i < npub; i++) {
    Conn* x = O.self && g_kind == K_PAIRS ? &g_w[i % T]->conns[i / T] : take(i % T);
    auto p = std::make_unique<Pub>();
    p->id = i;
    p->c = x;
    p->worker = i % T;
    if (O.count && O.paced <= 0) p->stop_at = O.count / npub + (i < O.count % npub);
    make_template(p.get(), x->idx);
    x->pub = p.get();
    g_w[i % T]->pubs.push_back(p.get());
    if (g_kind == K_PAIRS) g_subs[i]->peer = p.get();
    g_pubs.push_back(std::move(p));
  }

  const u64 rss0 = srv_rss(), tcp0 = tcp_mem();
  double cpu0 = srv_cpu(), me0 = self_cpu();
  const i64 t0 = now_ns();
  for (auto& w : g_w) w->th = std::thread([&w] { w->run(); });
  auto stop = [&] {
    g_phase.store(P_DONE, std::memory_order_release);
    for (auto& w : g_w) {
      u64 one = 1;
      (void)!write(w->ev, &one, 8);
    }
    for (auto& w : g_w)
      if (w->th.joinable()) w->th.join();
  };

  // Connect phase.
  const i64 conn_end = t0 + (i64)(std::min(O.conn_timeout, O.max_seconds) * 1e9);
  Sum s;
  for (;;) {
    s = sum();
    if (s.ready + s.failed + s.dropped >= total || now_ns() > conn_end) break;
    sleep_until(now_ns() + 200000);
  }
  s = sum();
  const u64 timeouts = total - std::min<u64>(total, s.ready + s.failed);
  double cpu1 = srv_cpu(), me1 = self_cpu();
  double csec = (double)((s.last_ready ? s.last_ready : now_ns()) - t0) / 1e9;

  if (g_kind == K_CONNECT || g_kind == K_IDLE) {
    Hist hc, hp;
    std::string o;
    auto conn_part = [&] {
      for (auto& w : g_w) hc.merge(w->h_conn);
      o = head(s.ready > 0 && (g_kind == K_CONNECT || s.ready == total)) + kv("concurrency", O.conc) +
          kv("conn_rate", O.conn_rate) + kv("connected", (double)s.ready) + kv("failed", (double)s.failed) +
          kv("timeouts", (double)timeouts) + kv("seconds", csec, 3) + kv("conns_per_s", (double)s.ready / csec, 1) +
          kv("srv_cpu_s", cpu1 - cpu0, 2) +
          kv("srv_cpu_s_per_kconn", (cpu1 - cpu0) * 1e3 / (double)std::max<u64>(1, s.ready), 4) +
          kv("gen_cpu_s", me1 - me0, 2) + hc.json("connect");
    };
    if (g_kind == K_CONNECT) {
      stop();
      conn_part();
      o += errs_json() + "}";
      puts(o.c_str());
      return s.ready == total ? 0 : 1;
    }
    g_run = now_ns() + kSec / 100;
    g_mstart = g_run.load();
    g_mend = g_run.load() + (i64)(std::min(O.hold, O.max_seconds) * 1e9);
    g_phase.store(P_RUN, std::memory_order_release);
    sleep_until(g_mend);
    double cpu2 = srv_cpu();
    u64 rss1 = srv_rss(), tcp1 = tcp_mem();
    sleep_until(now_ns() + kSec / 5);
    Sum e = sum();
    stop();
    conn_part();
    for (auto& w : g_w) hp.merge(w->h_ping);
    double nn = (double)std::max<u64>(1, s.ready);
    o += kv("dropped", (double)e.dropped) + kv("rss_before", (double)rss0) + kv("rss_after", (double)rss1) +
         kv("bytes_per_conn", ((double)rss1 - (double)rss0) / nn, 1) +
         kv("kernel_tcp_bytes_per_conn_both_ends", ((double)tcp1 - (double)tcp0) / nn, 1) + kv("hold_s", O.hold, 1) +
         kv("srv_cpu_s_hold", cpu2 - cpu1, 2);
    if (O.ping > 0) o += kv("pings_answered", (double)e.pings) + hp.json("ping");
    o += errs_json() + "}";
    puts(o.c_str());
    return s.ready == total ? 0 : 1;
  }

  if (s.ready != total) {
    stop();
    printf("%s%s%s%s,\"error\":\"set-up incomplete\"%s}\n", head(false).c_str(),
           kv("connected", (double)s.ready).c_str(), kv("failed", (double)s.failed).c_str(),
           kv("timeouts", (double)timeouts).c_str(), errs_json().c_str());
    return 1;
  }

  // Run phase.
  double budget = O.max_seconds - (double)(now_ns() - t0) / 1e9 - O.drain;
  double dur = std::min(O.duration, std::max(0.1, budget - O.warmup));
  if (O.count) {
    O.warmup = 0;
    dur = std::max(0.1, budget);
  }
  const i64 run = now_ns() + kSec / 20;
  g_run = run;
  g_mstart = run + (i64)(O.warmup * 1e9);
  g_mend = g_mstart + (i64)(dur * 1e9);
  g_phase.store(P_RUN, std::memory_order_release);
  for (auto& w : g_w) {
    u64 one = 1;
    (void)!write(w->ev, &one, 8);
  }
  sleep_until(g_mstart);
  Sum a = sum();
  cpu0 = srv_cpu(), me0 = self_cpu();
  i64 ta = now_ns();
  const u64 fan = g_kind == K_FANOUT ? O.n : g_kind == K_FANIN && O.share.empty() ? O.subs : 1;
  if (O.count) {
    while (now_ns() < g_mend && sum().sent + sum().skipped < O.count) sleep_until(now_ns() + 1000000);
  } else {
    sleep_until(g_mend);
  }
  Sum b = sum();
  cpu1 = srv_cpu(), me1 = self_cpu();
  i64 tb = now_ns();

  // Drain: until everything expected arrived, or nothing has for one second.
  if (!O.count) g_phase.store(P_DRAIN, std::memory_order_release);
  const i64 dend = now_ns() + (i64)(O.drain * 1e9);
  u64 seen = 0;
  i64 seen_t = now_ns();
  bool sub_side = g_kind != K_INGEST;
  for (;;) {
    s = sum();
    u64 got = s.rx + s.acked + s.replied;
    if (got != seen) seen = got, seen_t = now_ns();
    bool done =
        (!sub_side || s.rx >= s.sent * fan) && (!O.qos || s.acked >= s.sent) && (!O.reply || s.replied >= s.sent);
    if (done || now_ns() > dend || now_ns() - seen_t > kSec) break;
    sleep_until(now_ns() + 500000);
  }
  if (O.count) {
    b = s;
    cpu1 = srv_cpu(), me1 = self_cpu();
    tb = std::max<i64>(s.last_rx, ta + 1);
    if (!sub_side) tb = seen_t;
    ta = run;
  }
  s = sum();
  const u64 rss1 = srv_rss();
  stop();

  double sec = (double)(tb - ta) / 1e9;
  u64 unit = g_kind == K_INGEST ? (O.reply ? b.replied - a.replied
                                   : O.qos ? b.acked - a.acked
                                           : b.sent - a.sent)
                                : b.rx - a.rx;
  Hist e2e, ack, rep, late;
  for (auto& w : g_w) e2e.merge(w->h_e2e), ack.merge(w->h_ack), rep.merge(w->h_rep), late.merge(w->h_late);
  u64 expect = s.sent * fan, got = sub_side ? s.rx : O.reply ? s.replied : O.qos ? s.acked : s.sent;
  std::string o = head(true) + kv("subs", nsub) + kv("qos", O.qos) + kv("size", g_kind == K_INGEST ? 0 : O.size) +
                  kv("window", O.paced > 0 ? 0 : O.window) + ",\"flow\":\"" + (O.paced > 0 ? "paced" : O.flow) + "\"" +
                  kv("paced", O.paced) + kv("seconds", sec, 3) + kv("sent_per_s", (double)(b.sent - a.sent) / sec, 1) +
                  kv("recv_per_s", (double)(b.rx - a.rx) / sec, 1) +
                  kv("recv_mb_per_s", (double)(b.rx_bytes - a.rx_bytes) / sec / 1e6, 2) +
                  kv("acks_per_s", (double)(b.acked - a.acked) / sec, 1) +
                  kv("replies_per_s", (double)(b.replied - a.replied) / sec, 1) + kv("sent", (double)s.sent) +
                  kv("received", (double)got) + kv("lost", got < expect ? (double)(expect - got) : 0) +
                  kv("acked", (double)s.acked) + kv("gaps", (double)s.gaps) + kv("late_or_dup", (double)s.ooo) +
                  kv("stalls", (double)s.stalls) + kv("bad", (double)s.bad) + kv("skipped", (double)s.skipped) +
                  kv("dropped_conns", (double)s.dropped) + kv("srv_cpu_s", cpu1 - cpu0, 2) +
                  kv("srv_cores", (cpu1 - cpu0) / sec, 3) +
                  kv("srv_cpu_s_per_mmsg", unit ? (cpu1 - cpu0) * 1e6 / (double)unit : 0, 3) +
                  kv("gen_cpu_s_per_mmsg", unit ? (me1 - me0) * 1e6 / (double)unit : 0, 3) +
                  kv("srv_rss", (double)rss1);
  if (sub_side) o += e2e.json("e2e");
  if (O.qos) o += ack.json("puback");
  if (O.reply) o += rep.json("reply");
  if (O.paced > 0) o += late.json("gen_late");
  o += errs_json() + "}";
  puts(o.c_str());
  return 0;
}

// ---------------------------------------------------------------- reflect

// The least a server can do for these scenarios: CONNACK, SUBACK, PUBACK, and
// forwarding of the raw bytes by exact topic or one trailing '#'.  No sessions,
// no retained messages, no checks: an upper bound of the machine, single thread.
struct RConn {
  int fd = -1;
  bool dirty = false, want = false;
  u64 gen = 0;
  std::string carry;
  Buf out;
  std::string cached;
  std::vector<RConn*>* to = nullptr;
};
int reflect() {
  int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons((u16)O.port);
  inet_pton(AF_INET, O.host.c_str(), &a.sin_addr);
  if (bind(ls, (sockaddr*)&a, sizeof a) || listen(ls, 4096)) die(std::string("listen: ") + strerror(errno));
  rlimit rl;
  getrlimit(RLIMIT_NOFILE, &rl);
  rl.rlim_cur = rl.rlim_max;
  setrlimit(RLIMIT_NOFILE, &rl);
  int ep = epoll_create1(0);
  epoll_event e{};
  e.events = EPOLLIN;
  epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  std::unordered_map<std::string, std::vector<RConn*>> topics;
  std::vector<std::pair<std::string, RConn*>> prefixes;
  std::vector<RConn*> dirty;
  std::vector<char> rb(kBuf);
  std::vector<epoll_event> evs(1024);
  u64 gen = 0, msgs = 0;
  i64 end = now_ns() + (i64)(std::min(O.duration, 3600.0) * 1e9);
  auto mark = [&](RConn* c) {
    if (!c->dirty) c->dirty = true, dirty.push_back(c);
  };
  auto gone = [&](RConn* c) {
    for (auto& [t, v] : topics) v.erase(std::remove(v.begin(), v.end(), c), v.end());
    std::erase_if(prefixes, [c](auto& x) { return x.second == c; });
    std::erase(dirty, c);
    gen++;
    close(c->fd);
    delete c;
  };
  while (now_ns() < end) {
    int n = epoll_wait(ep, evs.data(), (int)evs.size(), 100);
    for (int i = 0; i < n; i++) {
      RConn* c = (RConn*)evs[(size_t)i].data.ptr;
      if (!c) {
        for (int fd; (fd = accept4(ls, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          auto* x = new RConn;
          x->fd = fd;
          epoll_event ee{};
          ee.events = EPOLLIN;
          ee.data.ptr = x;
          epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ee);
        }
        continue;
      }
      if (evs[(size_t)i].events & EPOLLOUT) mark(c);
      if (!(evs[(size_t)i].events & ~(u32)EPOLLOUT)) continue;
      size_t have = c->carry.size();
      memcpy(rb.data(), c->carry.data(), have);
      ssize_t r = recv(c->fd, rb.data() + have, kRead, 0);
      if (r < 0 && errno == EAGAIN) continue;
      if (r <= 0) {
        gone(c);
        continue;
      }
      const char *p = rb.data(), *q, *lim = p + have + r;
      while (lim - p >= 2) {
        size_t len = 0;
        int sh = 0;
        bool whole = false;
        for (q = p + 1; q < lim && sh < 28;) {
          u8 v = (u8)*q++;
          len |= (size_t)(v & 127) << sh;
          sh += 7;
          if (!(v & 128)) {
            whole = true;
            break;
          }
        }
        if (!whole || (size_t)(lim - q) < len) break;
        u8 h = (u8)*p;
        if (h >> 4 == 3) {
          size_t tl = ((u8)q[0] << 8) | (u8)q[1];
          std::string_view t(q + 2, tl);
          if (h & 6) {
            char* k = c->out.grow(4);
            k[0] = 0x40, k[1] = 2, k[2] = q[2 + tl], k[3] = q[3 + tl];
            mark(c);
          }
          if (!c->to || c->gen != gen || c->cached != t) {
            c->cached = t;
            auto& v = topics[c->cached];
            v.clear();
            for (auto& [f, s] : prefixes) {
              bool wild = !f.empty() && f.back() == '#';
              if (wild ? t.substr(0, f.size() - 1) == std::string_view(f).substr(0, f.size() - 1) : t == f)
                v.push_back(s);
            }
            c->to = &v;
            c->gen = gen;
          }
          for (RConn* s : *c->to) {
            s->out.put(p, (size_t)(q + len - p));
            mark(s);
          }
          msgs++;
        } else if (h >> 4 == 1) {
          c->out.put("\x20\x02\x00\x00", 4);
          mark(c);
        } else if (h >> 4 == 8) {
          size_t tl = ((u8)q[2] << 8) | (u8)q[3];
          prefixes.emplace_back(std::string(q + 4, tl), c);
          gen++;
          char k[5] = {(char)0x90, 3, q[0], q[1], q[4 + tl]};
          c->out.put(k, 5);
          mark(c);
        } else if (h >> 4 == 12) {
          c->out.put("\xD0\x00", 2);
          mark(c);
        }
        p = q + len;
      }
      c->carry.assign(p, (size_t)(lim - p));
    }
    for (size_t i = 0; i < dirty.size(); i++) {
      RConn* c = dirty[i];
      c->dirty = false;
      while (c->out.pending()) {
        ssize_t w = send(c->fd, c->out.p + c->out.off, c->out.pending(), MSG_NOSIGNAL);
        if (w < 0) break;
        c->out.off += (size_t)w;
      }
      bool blocked = c->out.pending() > 0;
      if (!blocked) c->out.done();
      if (blocked != c->want) {
        c->want = blocked;
        epoll_event ee{};
        ee.events = EPOLLIN | (blocked ? EPOLLOUT : 0u);
        ee.data.ptr = c;
        epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ee);
      }
    }
    dirty.clear();
  }
  fprintf(stderr, "reflect: %" PRIu64 " messages\n", msgs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  parse_args(argc, argv);
  return O.scenario == "reflect" ? reflect() : drive();
}
