// Trains the recurrent network of lmz natively; README.md in this folder says how and why.
//
//     make -C tools/native-train
#include <chrono>
#include <csignal>
#include "adam.hpp"
#include "options.hpp"
#include "state.hpp"

/** Bytes between states and between lines of the log. */
constexpr double SAVE_EVERY = 20e6, LOG_EVERY = 4e6;
/** Weight of a new step in the moving average of the loss. */
constexpr double MOVING = 1.0 / 1000;
/** The step that is dumped: after some others, so that the hidden states are not zero any more. */
constexpr long DUMPED_STEP = 3;

static volatile sig_atomic_t stopping = 0;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Training {
 public:
  explicit Training(const Options& options)
      : options_(options),
        drop_(options.drop),
        network_(readSetup(options.setup)),
        weights_(network_.setup),
        activations_(network_.setup),
        gradients_(network_.setup),
        optimiser_(network_.setup),
        segment_(network_.setup),
        random_(options.seed),
        state_(allocate<float>(stateSize())),
        validationState_(allocate<float>(stateSize())) {
    const StateHeader header = readState(options.state, network_);
    steps_ = header.steps;
    bytes_ = header.bytes;
    for (const auto& [name, weight] : options.data)
      categories_.push_back(readCategory(options.text, name, weight));
  }

  /** Bits per byte of every category. */
  void validate() {
    weights_.update(network_, Pass::VALIDATION);
    printf("%.1f MB: validation", bytes_ / 1e6);
    for (const Category& category : categories_)
      printf(" %s %.4f", category.name.c_str(), validationBits(category.validation));
    printf("\n");
    fflush(stdout);
  }

  /** Trains to the end or a signal, and saves. */
  void run() {
    beginLanes();
    double lastSave = bytes_, lastValidation = bytes_, lastLog = bytes_, logTime = seconds(), movingLoss = 0;
    for (long step = 0; bytes_ < options_.bytes && !stopping; step++) {
      const double rate = rateAt(step), loss = computeGradients();
      takeStep(rate, step);
      movingLoss += std::max(MOVING, 1.0 / (step + 1)) * (loss - movingLoss);
      if (bytes_ - lastLog >= LOG_EVERY) {
        const double now = seconds(), speed = (bytes_ - lastLog) / (now - logTime);
        printf("%.1f MB: train %.4f, %.0f bytes/s, rate %.2e\n", bytes_ / 1e6, movingLoss, speed, rate);
        fflush(stdout);
        logTime = now;
        lastLog = bytes_;
      }
      if (bytes_ - lastValidation >= options_.validateEvery) {
        validate();
        lastValidation = lastLog = bytes_;
        logTime = seconds();
      }
      if (bytes_ - lastSave >= SAVE_EVERY) {
        save();
        lastSave = lastLog = bytes_;
        logTime = seconds();
      }
    }
    // What was trained must not depend on somebody waiting for the validation.
    save();
    if (!stopping) validate();
    printf("saved %s\n", options_.out.c_str());
  }

  /**
   * Writes one step for compare.mjs: the targets (int32), the state before it, embedded rows and loss in bits
   * per byte, then weights and gradient of each dense parameter, then the gradient of the embedded rows.
   */
  void dump() {
    beginLanes();
    double loss = computeGradients();
    for (long step = 0; step < DUMPED_STEP; step++) {
      takeStep(rateAt(step), step);
      loss = computeGradients();
    }
    StateWriter writer(options_.dump);
    const std::vector<int32_t> targets(segment_.targets, segment_.targets + POSITIONS);
    writer.write(targets.data(), POSITIONS * sizeof(int32_t));
    writer.write(state_, stateSize() * sizeof(float));
    writer.write(activations_.embedded, POSITIONS * WIDTH * sizeof(float));
    const float bits = loss;
    writer.write(&bits, sizeof bits);
    for (const Parameter* parameter : network_.dense())
      for (const float* array : {parameter->weights, parameter->gradient})
        writer.write(array, parameter->size * sizeof(float));
    const Setup& setup = network_.setup;
    for (int n = 0; n < POSITIONS; n++)
      writer.write(gradients_.input + static_cast<size_t>(n) * setup.inputs() + setup.units,
                   WIDTH * sizeof(float));
    writer.finish();
    printf("dumped a step to %s\n", options_.dump.c_str());
  }

 private:
  const Options& options_;
  const float drop_;
  Network network_;
  PackedWeights weights_;
  Activations activations_;
  Gradients gradients_;
  Optimiser optimiser_;
  Segment segment_;
  Random random_;
  std::vector<Category> categories_;
  std::vector<Lane> lanes_;
  /** The category of each lane. */
  std::vector<int> categoryOf_;
  float *state_, *validationState_;  // [LANES, units]
  int64_t steps_ = 0;
  double bytes_ = 0;

  size_t stateSize() const { return static_cast<size_t>(LANES) * network_.setup.units; }

  void save() { writeState(options_.out, network_, steps_, bytes_); }

  /** Gives a lane the next piece of its category. */
  void beginLane(int lane) {
    Category& category = categories_[categoryOf_[lane]];
    const size_t from = category.nextPiece(random_);
    // Files are longer than pieces: what the state keeps for long has to be learned too.
    if (lanes_[lane].text != nullptr && random_.share() < options_.carry) {
      lanes_[lane].goOn(category.training.data(), from, from + PIECE);
      return;
    }
    lanes_[lane].begin(category.training.data(), from, from + PIECE);
    memset(state_ + static_cast<size_t>(lane) * network_.setup.units, 0, network_.setup.units * sizeof(float));
  }

  void beginLanes() {
    const std::vector<int> shares = shareLanes(categories_);
    for (size_t i = 0; i < shares.size(); i++)
      categoryOf_.insert(categoryOf_.end(), shares[i], static_cast<int>(i));
    lanes_.resize(LANES);
    for (int lane = 0; lane < LANES; lane++) {
      beginLane(lane);
      // At different places of their pieces, so that they do not all begin new ones together.
      lanes_[lane].at += static_cast<size_t>(PIECE / STEPS * lane / LANES) * STEPS;
    }
  }

  double rateAt(long step) const {
    double rate = options_.rate;
    if (step < options_.warmup) rate *= (step + 1.0) / options_.warmup;
    if (bytes_ <= options_.decayFrom) return rate;
    const double length = options_.bytes - options_.decayFrom;
    const double progress = std::min(1.0, (bytes_ - options_.decayFrom) / length);
    return rate * (options_.floor + (1 - options_.floor) * 0.5 * (1 + cos(M_PI * progress)));
  }

  /** Reads the next segment of every lane. Returns bits per byte. */
  double computeGradients() {
    for (int lane = 0; lane < LANES; lane++)
      if (lanes_[lane].at + STEPS > lanes_[lane].end) beginLane(lane);
    segment_.read(network_.setup, lanes_);
    embed(network_, segment_, drop_, random_, activations_);
    weights_.update(network_, Pass::TRAINING);
    const double nats = forward(network_, weights_, segment_, state_, Pass::TRAINING, activations_);
    backward(network_, weights_, activations_, gradients_);
    return nats / M_LN2;
  }

  /** @param step - counted from 0 in this run */
  void takeStep(double rate, long step) {
    optimiser_.update(network_, segment_, gradients_, drop_, rate, step + 1);
    memcpy(state_, activations_.state, stateSize() * sizeof(float));
    steps_++;
    bytes_ += POSITIONS;
  }

  /** Of whole segments of the text, in as many parts as there are lanes. */
  double validationBits(const std::vector<uint8_t>& text) {
    const size_t part = text.size() / LANES;
    const size_t segments = std::max<size_t>(1, std::min(part, options_.validateBytes / LANES) / STEPS);
    std::vector<Lane> lanes(LANES);
    for (int lane = 0; lane < LANES; lane++) lanes[lane].begin(text.data() + lane * part, 0, part);
    memset(validationState_, 0, stateSize() * sizeof(float));
    double nats = 0;
    for (size_t i = 0; i < segments; i++) {
      segment_.read(network_.setup, lanes);
      embed(network_, segment_, 0, random_, activations_);
      nats += forward(network_, weights_, segment_, validationState_, Pass::VALIDATION, activations_);
      memcpy(validationState_, activations_.state, stateSize() * sizeof(float));
    }
    return nats / segments / M_LN2;
  }
};

int main(int count, char** arguments) {
  const Options options = parseOptions(count, arguments);
  if (!options.merge.empty()) {
    mergeStates(options.merge[0], {options.merge.begin() + 1, options.merge.end()});
    return 0;
  }
  enableTiles();
  // Numbers below 1e-38 count for nothing here, and would be slow.
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
  for (int number : {SIGINT, SIGTERM}) signal(number, [](int) { stopping = 1; });
  Training training(options);
  if (!options.dump.empty()) {
    training.dump();
    return 0;
  }
  training.validate();
  if (!options.out.empty()) training.run();
  return 0;
}
