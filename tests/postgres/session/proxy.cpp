#include "tests/postgres/session/proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace falsework::test {

namespace {

constexpr int kPort = 5432;

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

sockaddr_un address_of(const std::filesystem::path& directory, int port) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory / (".s.PGSQL." + std::to_string(port));
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("socket path too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int open_socket() {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw std::runtime_error("socket");
  return descriptor;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Empty at the end of the stream.
std::string receive(int from) {
  std::array<char, 65536> buffer{};
  const ssize_t count = recv(from, buffer.data(), buffer.size(), 0);
  return count <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(count));
}

bool receive_exactly(int from, std::size_t count, std::string& bytes) {
  bytes.assign(count, '\0');
  return recv(from, bytes.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
}

std::string number(std::uint32_t value) {
  const std::uint32_t network = htonl(value);
  std::string bytes(sizeof(network), '\0');
  std::memcpy(bytes.data(), &network, sizeof(network));
  return bytes;
}

std::uint32_t number_of(std::string_view bytes) {
  std::uint32_t network = 0;
  std::memcpy(&network, bytes.data(), sizeof(network));
  return ntohl(network);
}

// The server sends a session's whole beginning in one go, BackendKeyData (K, length 12, pid, key) included.
void change_pid(std::string& bytes) {
  const std::string head = "K" + number(12);
  if (const std::size_t at = bytes.find(head); at != std::string::npos) bytes.replace(at + 5, 4, number(1));
}

// Keeps the length: 15.20 becomes 14.02, which is read as 14.2.
void change_version(std::string& bytes, const std::string& major) {
  const std::string name("server_version\0", 15);
  const std::size_t found = bytes.find(name);
  if (found == std::string::npos) return;
  const std::size_t at = found + name.size();
  const std::size_t length = bytes.find_first_not_of("0123456789.", at) - at;
  const std::string head = major + ".";
  bytes.replace(at, length, head + std::string(length - head.size() - 1, '0') + "2");
}

}  // namespace

Proxy::Proxy(const TestDatabase& database, Fault fault, int only, std::function<bool()> counts)
    : database_(database), fault_(fault), only_(only), counts_(std::move(counts)), listener_(open_socket()) {
  const sockaddr_un address = address_of(directory_.path(), kPort);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 || listen(listener_, 8) != 0) {
    throw std::runtime_error("cannot listen");
  }
  acceptor_ = std::thread([this] { accept_all(); });
}

Proxy::~Proxy() {
  stopping_ = true;
  acceptor_.join();
  for (std::thread& thread : served_) thread.join();
  close(listener_);
}

std::string Proxy::url() const {
  return "host='" + directory_.path().string() + "' port=" + std::to_string(kPort) + " user=" + database_.role() +
         " dbname=" + database_.name();
}

void Proxy::accept_all() {
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (poll(&ready, 1, 20) <= 0) continue;
    const int client = accept(listener_, nullptr, nullptr);
    if (client >= 0) served_.emplace_back([this, client] { serve(client); });
  }
}

void Proxy::serve(int client_descriptor) const {
  const Socket client(client_descriptor);
  const Socket server(open_socket());
  const sockaddr_un address = address_of(database_.server().socket_directory(), database_.server().port());
  if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return;
  if (forward_startup(client.get(), server.get())) pump(client.get(), server.get());
}

bool Proxy::forward_startup(int client, int server) const {
  std::string length;
  std::string body;
  if (!receive_exactly(client, 4, length) || !receive_exactly(client, number_of(length) - 4, body)) return false;
  const std::string key("\0options\0", 9);
  const std::size_t options = body.find(key);
  if (fault_ == Fault::kRefusesOptions && options != std::string::npos) {
    // The literal's own terminator ends the message.
    constexpr char kFields[] = "SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0";
    send_all(client, "E" + number(sizeof(kFields) + 4) + std::string(kFields, sizeof(kFields)));
    return false;
  }
  if (fault_ == Fault::kDropsOptions && options != std::string::npos) {
    const std::size_t end = body.find('\0', options + key.size());
    body.erase(options + 1, end - options);
  }
  return send_all(server, number(static_cast<std::uint32_t>(body.size() + 4)) + body);
}

bool Proxy::strikes(const std::string& bytes) const {
  const bool any = fault_ == Fault::kLosesAnyRequest || fault_ == Fault::kLosesAnyAnswer;
  if (!any && fault_ != Fault::kLosesRequest && fault_ != Fault::kLosesAnswer) return false;
  if (!any && bytes.find("COMMIT") == std::string::npos) return false;
  const bool now = ++counted_ == only_ || only_ == 0;
  if (now) struck_ = true;
  return now;
}

void Proxy::pump(int client, int server) const {
  std::array<pollfd, 2> ready{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
  while (!stopping_) {
    if (poll(ready.data(), ready.size(), 20) <= 0) continue;
    if (ready[0].revents != 0) {
      std::string bytes = receive(client);
      if (bytes.empty()) return;
      if (const std::size_t at = bytes.find("COMMIT"); fault_ == Fault::kSpoilsCommit && at != std::string::npos) {
        bytes[at] = 'K';
      }
      const bool strike = (!counts_ || counts_()) && strikes(bytes);
      if (strike && (fault_ == Fault::kLosesRequest || fault_ == Fault::kLosesAnyRequest)) return;
      if (!send_all(server, bytes)) return;
      if (strike) {
        receive(server);
        return;
      }
    }
    if (ready[1].revents != 0) {
      std::string bytes = receive(server);
      if (fault_ == Fault::kMakesUpPid) change_pid(bytes);
      if (fault_ == Fault::kIsThirteen) change_version(bytes, "13");
      if (fault_ == Fault::kIsFourteenTwo) change_version(bytes, "14");
      if (bytes.empty() || !send_all(client, bytes)) return;
    }
  }
}

}  // namespace falsework::test
