// The clients of the demonstration's shop (bench/demo/schema.sql): a number of the old release and of the new one,
// which write and read until told otherwise, and a comparison of every row with what was acknowledged to them.
//
//   falsework_workload URL [CLIENTS-PER-RELEASE [PAUSE-MS]]
//
// Commands come on standard input, one on a line; each is answered by a line that begins with "ok" on standard output:
//   stage NAME       latencies from now on are counted under this name
//   start old|new    that release is rolled out
//   stop old|new     that release is gone
//   finish           all stop; the report follows, and the exit code is 0 if nothing failed and nothing is lost
// The end of the input without `finish` ends the program with 1: it never outlives the one who started it.
#include <fmt/format.h>

#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/workload/connection.h"
#include "bench/workload/measure.h"
#include "bench/workload/model.h"
#include "bench/workload/writer.h"

namespace falsework::bench {

namespace {

class Workload {
 public:
  Workload(std::string url, int clients, std::chrono::milliseconds pause)
      : url_(std::move(url)), clients_(clients), pause_(pause), observer_(url_, [](auto, const std::string&) {}) {
    models_ = load_models(observer_, 2 * clients_);
  }

  void stage(const std::string& name) { measure_.begin_stage(name); }

  void start(Release release) {
    std::vector<std::jthread>& threads = of(release);
    for (int i = 0; i < clients_; ++i) {
      const int number = release == Release::kOld ? i : clients_ + i;
      Model& model = models_[static_cast<std::size_t>(number)];
      auto writer = std::make_shared<Writer>(WriterOptions{url_, release, number, pause_}, model, measure_);
      threads.emplace_back([this, writer](const std::stop_token& stop) { run(*writer, stop); });
    }
  }

  void stop(Release release) {
    std::vector<std::jthread>& threads = of(release);
    for (std::jthread& thread : threads) thread.request_stop();
    threads.clear();
  }

  bool finish() {
    stop(Release::kOld);
    stop(Release::kNew);
    std::vector<Model*> models;
    for (Model& model : models_) models.push_back(&model);
    std::ostringstream differences;
    const Comparison comparison = compare(observer_, models, differences);
    fmt::print("  failed client statements: {} of {}\n", measure_.failures(), measure_.statements());
    fmt::print("  wrong answers to clients: {} (each reads its own rows back, and counts the rows that it changes)\n",
               measure_.wrong_answers());
    fmt::print("  acknowledged writes lost: {} differences in {} rows, all compared with the clients' own records\n",
               comparison.differences, comparison.rows);
    fmt::print("{}", differences.str());
    std::fflush(stdout);
    measure_.report(std::cout);
    return measure_.failures() == 0 && measure_.wrong_answers() == 0 && comparison.differences == 0;
  }

 private:
  std::vector<std::jthread>& of(Release release) { return release == Release::kOld ? old_ : new_; }

  void run(Writer& writer, const std::stop_token& stop) {
    try {
      writer.run(stop);
    } catch (const std::exception& e) {
      measure_.failed("", e.what(), "a client gave up");
    }
  }

  const std::string url_;
  const int clients_;
  const std::chrono::milliseconds pause_;
  Connection observer_;
  Measure measure_;
  std::vector<Model> models_;
  std::vector<std::jthread> old_, new_;
};

Release parse_release(const std::string& word) {
  if (word == "old") return Release::kOld;
  if (word == "new") return Release::kNew;
  throw std::invalid_argument("no such release: " + word);
}

int obey(Workload& workload) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string verb = line.substr(0, space);
    const std::string rest = line.substr(std::min(space + 1, line.size()));
    if (verb == "finish") return workload.finish() ? 0 : 1;
    if (verb == "stage") {
      workload.stage(rest);
    } else if (verb == "start") {
      workload.start(parse_release(rest));
    } else if (verb == "stop") {
      workload.stop(parse_release(rest));
    } else {
      throw std::invalid_argument("no such command: " + line);
    }
    std::cout << "ok " << line << std::endl;
  }
  return 1;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) {
    std::cerr << "usage: falsework_workload URL [CLIENTS-PER-RELEASE [PAUSE-MS]]\n";
    return 2;
  }
  const int clients = arguments.size() > 2 ? std::stoi(arguments[2]) : 3;
  const int pause = arguments.size() > 3 ? std::stoi(arguments[3]) : 4;
  Workload workload(arguments[1], clients, std::chrono::milliseconds(pause));
  std::cout << "ok" << std::endl;
  return obey(workload);
}

}  // namespace

}  // namespace falsework::bench

int main(int argc, char** argv) {
  try {
    return falsework::bench::run({argv, argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "falsework_workload: " << e.what() << "\n";
    return 1;
  }
}
