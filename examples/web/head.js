// The head of a converted network, as in sdkd_tf/deploy/head.py: class statistics that classify embeddings and learn new
// objects. The formulas are those of sdkd_tf/strategies/discriminant.py. A symmetric matrix is an array of the rows of its
// lower triangle.

const TINY = 1e-6; // relative to the longest vector: shorter ones lie in the span of the others

const sum = values => values.reduce((a, b) => a + b, 0);
const dot = (a, b) => a.reduce((total, value, i) => total + value * b[i], 0);
const squaredDistance = (a, b) => a.reduce((total, value, i) => total + (value - b[i]) ** 2, 0);

export class Head {
  #center; #deviation; #factor; // of the whitening
  #classes; #axes; #spread; // after whitening: class means, axes along which they differ, factor of I + B along the axes

  /**
   * @param {object} stored the content of head.json.
   * @throws {Error} it is not one that convert.py wrote.
   */
  constructor({labels, counts, means, scatter, reach, temperature}) {
    const triangle = decode(scatter), flat = decode(means);
    this.size = flat.length / labels.length;
    if (counts.length !== labels.length || !(this.size > 0) || triangle.length !== this.size * (this.size + 1) / 2) {
      throw new Error('numbers of classes or features differ');
    }
    this.labels = [...labels];
    this.counts = [...counts];
    this.means = labels.map((_, k) => Float64Array.from(flat.subarray(k * this.size, (k + 1) * this.size)));
    this.scatter = Array.from(
      {length: this.size}, (_, i) => Float64Array.from(triangle.subarray(i * (i + 1) / 2, (i + 1) * (i + 2) / 2)));
    this.reach = reach;
    this.temperature = temperature;
    this.#solve();
  }

  /** The content of head.json, so that `JSON.stringify` writes what Python reads. */
  toJSON() {
    const {labels, counts, reach, temperature} = this;
    return {labels, counts, means: encode(this.means), scatter: encode(this.scatter), reach, temperature};
  }

  /**
   * Learns images. New classes come after the known ones.
   * @param {Float32Array[]} embeddings one per image.
   * @param {string[]} labels name of the class of each image.
   */
  add(embeddings, labels) {
    embeddings.forEach((embedding, i) => this.#addImage(embedding, labels[i]));
    this.#solve();
  }

  /** Welford's update. */
  #addImage(embedding, label) {
    if (!this.labels.includes(label)) {
      this.labels.push(label);
      this.counts.push(0);
      this.means.push(new Float64Array(this.size));
    }
    const k = this.labels.indexOf(label);
    const deviation = this.means[k].map((mean, i) => embedding[i] - mean);
    const total = this.counts[k] + 1;
    for (const [i, row] of this.scatter.entries()) {
      for (let j = 0; j <= i; j++) row[j] += deviation[i] * deviation[j] * this.counts[k] / total;
    }
    this.means[k] = this.means[k].map((mean, i) => mean + deviation[i] / total);
    this.counts[k] = total;
  }

  /**
   * @param {Float32Array} embedding of an image.
   * @returns {{probabilities: number[], distance: number, known: boolean}} `distance` says how unlike all classes the
   *   image is; it is known if that is within `reach`.
   */
  classify(embedding) {
    const image = this.#whiten(embedding);
    const squares = this.#classes.map( // of Mahalanobis distances
      (mean, k) => this.counts[k] ? squaredDistance(image, mean) : Infinity);
    const nearest = Math.min(...squares);
    const exponentials = squares.map(square => Math.exp((nearest - square) / 2 / this.temperature));
    const total = sum(exponentials);
    const distance = this.#distance(image, nearest);
    return {probabilities: exponentials.map(value => value / total), distance, known: distance <= this.reach[0]};
  }

  /** `ClassStatistics.distances` of a whitened image, where W is the identity. */
  #distance(image, nearest) {
    const along = this.#axes.map(axis => dot(axis, image));
    const outside = dot(image, image) - dot(along, along);
    const common = solve(this.#spread, along);
    const relative = nearest - outside - dot(common, common);
    return relative / along.length + outside / image.length;
  }

  #whiten(embedding) {
    return solve(this.#factor, this.#deviation.map((deviation, i) => (embedding[i] - this.#center[i]) / deviation));
  }

  /** Shrinks the covariance toward its diagonal (OAS) and factorizes it. */
  #solve() {
    const {counts, scatter, size} = this;
    const isSeen = (_, k) => counts[k] > 0;
    const seen = this.means.filter(isSeen);
    const degrees = Math.max(sum(counts) - seen.length, 1);
    const deviations = Float64Array.from(scatter, (row, i) => Math.sqrt(row[i] / degrees));
    const sorted = deviations.toSorted();
    const median = (sorted[(size - 1) >> 1] + sorted[size >> 1]) / 2;
    const deviation = deviations.map(value => Math.max(value, 0.1 * median + 1e-6));
    const correlation = scatter.map(
      (row, i) => row.map((value, j) => value / degrees / deviation[i] / deviation[j]));
    const weight = oasShrinkage(correlation, degrees);
    this.#factor = cholesky(
      correlation.map((row, i) => row.map((value, j) => (1 - weight) * value + (i === j ? weight : 0))));
    this.#deviation = deviation;
    this.#center = deviation.map((_, i) => sum(seen.map(mean => mean[i])) / seen.length);
    this.#classes = this.means.map(mean => this.#whiten(mean));
    const classes = this.#classes.filter(isSeen);
    this.#axes = orthonormal(classes);
    const along = this.#axes.map(axis => classes.map(mean => dot(axis, mean)));
    this.#spread = cholesky(along.map((a, i) => Float64Array.from(
      {length: i + 1}, (_, j) => dot(a, along[j]) / classes.length + (i === j ? 1 : 0))));
  }
}

/** The weight of the identity, scaled to the same trace. */
function oasShrinkage(covariance, images) {
  const size = covariance.length;
  const trace = sum(covariance.map((row, i) => row[i]));
  const square = sum(covariance.map((row, i) => 2 * dot(row, row) - row[i] ** 2));
  const excess = (images + 1 - 2 / size) * (square - trace ** 2 / size);
  return excess > 0 ? Math.min(1, ((1 - 2 / size) * square + trace ** 2) / excess) : 1;
}

/** The lower triangle L with L L' = A. */
function cholesky(a) {
  const lower = [];
  for (const [i, row] of a.entries()) {
    const left = solve(lower, row);
    lower.push(Float64Array.of(...left, Math.sqrt(row[i] - dot(left, left))));
  }
  return lower;
}

/** The x with L x = b; entries of b beyond the rows of L are not read. */
function solve(lower, b) {
  const x = new Float64Array(lower.length);
  for (const [i, row] of lower.entries()) {
    let rest = b[i];
    for (let j = 0; j < i; j++) rest -= row[j] * x[j];
    x[i] = rest / row[i];
  }
  return x;
}

/** Orthonormal vectors with the same span (Gram-Schmidt, each twice for accuracy). */
function orthonormal(vectors) {
  const longest = Math.max(...vectors.map(vector => dot(vector, vector)));
  const axes = [];
  for (const vector of vectors) {
    let rest = vector;
    for (const axis of [...axes, ...axes]) {
      const part = dot(axis, rest);
      rest = rest.map((value, i) => value - part * axis[i]);
    }
    const length2 = dot(rest, rest);
    if (length2 > TINY ** 2 * longest) axes.push(rest.map(value => value / Math.sqrt(length2)));
  }
  return axes;
}

// Float32Array is little endian on everything that runs a browser.
const decode = text => new Float32Array(Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer);
const encode = rows => btoa(Array.from(
  new Uint8Array(Float32Array.from(rows.flatMap(row => [...row])).buffer), byte => String.fromCharCode(byte)).join(''));
