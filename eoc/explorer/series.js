"use strict";
// What layers do, from the Chebyshev series of an activation; formulas as in eoc/explorer/series.py.

function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

// sum of a[start + k stride] T_k(x), and its derivative by x
function clenshaw(a, start, count, stride, x) {
  let b1 = 0, b2 = 0, d1 = 0, d2 = 0;
  for (let k = count - 1; k > 0; k--) {
    const d = 2 * x * d1 - d2 + 2 * b1;
    const b = 2 * x * b1 - b2 + a[start + k * stride];
    d2 = d1; d1 = d; b2 = b1; b1 = b;
  }
  return [a[start] + x * b1 - b2, b1 + x * d1 - d2];
}

class Activation {
  constructor(data) {
    for (const name of ["name", "formula", "kind", "jumps", "homogeneous", "first", "octaves", "termsInQ",
      "termsInAngle", "accuracy", "curve", "start"]) this[name] = data[name];
    this.reach = data.phi.reach;
    this.series = { V: unpacked(data.moments.V), D: unpacked(data.moments.D), P: unpacked(data.moments.P) };
    this.h = unpacked(data.pairs);
    this.values = unpacked(data.phi.values);
    this.qMin = 4 ** this.first;
    this.qMax = 4 ** (this.first + this.octaves);
    this.pieces = data.curve.pieces.map((p) => ({
      q: unpacked(p.q), sigmaB: unpacked(p.sigma_b), sigmaW: unpacked(p.sigma_w), slope: unpacked(p.slope),
    }));
    this.known = new Map();
  }

  // the octave of sqrt(q), and where q is in it from -1 to 1
  place(q) {
    const z = Math.log2(q) / 2 - this.first;
    const octave = Math.min(Math.max(Math.floor(z), 0), this.octaves - 1);
    return [octave, 2 * (z - octave) - 1];
  }

  moment(name, q) {
    const [octave, x] = this.place(q);
    return clenshaw(this.series[name], octave * this.termsInQ, this.termsInQ, 1, x)[0];
  }

  // the series in theta at one variance
  angular(q) {
    if (this.known.has(q)) return this.known.get(q);
    const [octave, x] = this.place(q);
    const out = new Float64Array(this.termsInAngle), size = this.termsInQ * this.termsInAngle;
    for (let l = 0; l < this.termsInAngle; l++) {
      out[l] = clenshaw(this.h, octave * size + l, this.termsInQ, this.termsInAngle, x)[0];
    }
    if (this.known.size > 400) this.known.clear();
    this.known.set(q, out);
    return out;
  }

  // E[(phi(u) - phi(v))^2]/2 at 1 - c = e, and E[phi'(u) phi'(v)]
  pair(q, e) {
    const theta = 2 * Math.asin(Math.min(1, Math.sqrt(e / 2))), a = this.angular(q);
    const [h, slope] = clenshaw(a, 0, a.length, 1, (2 * theta) / Math.PI - 1);
    const dh = (2 * slope) / Math.PI, y = Math.sqrt(2 * e), sine = Math.sin(theta);
    if (this.jumps) {
      const dG = h / Math.max(y, 1e-300) + (y * dh) / Math.max(sine, 1e-300); // by e
      return { G: h * y, Kd: dG / q };
    }
    const bend = sine > 1e-8 ? (e * dh) / sine : (theta / 2) * dh;
    return { G: q * e * h, Kd: h + bend };
  }

  // phi itself, for the random network: linear between samples
  phi(x) {
    const n = this.values.length - 1, reach = this.reach;
    const t = ((x + reach) / (2 * reach)) * n, i = Math.min(Math.max(Math.floor(t), 0), n - 1);
    return this.values[i] + (t - i) * (this.values[i + 1] - this.values[i]);
  }
}

class Network {
  constructor(phi, sigmaW, sigmaB) {
    this.phi = phi; this.w2 = sigmaW * sigmaW; this.b2 = sigmaB * sigmaB;
  }

  F(q) {
    return q < this.phi.qMin ? this.nearZero(q) : this.b2 + this.w2 * this.phi.moment("V", q);
  }

  chi(q) { return this.phi.jumps ? Infinity : this.w2 * this.phi.moment("D", q); }

  slope(q) {
    if (this.phi.jumps) { // by differences: D and P are infinite, their sum is not
      const s = 1e-4;
      return (this.F(q * (1 + s)) - this.F(q * (1 - s))) / (2 * s * q);
    }
    return this.w2 * (this.phi.moment("D", q) + this.phi.moment("P", q));
  }

  // every fixed point of F between the smallest and the largest variance, with its slope
  fixedPoints() {
    const { qMin, qMax } = this.phi, n = 400, out = [];
    const at = (i) => qMin * (qMax / qMin) ** (i / n), less = (q) => this.F(q) - q;
    const small = 1e-13;
    let before = less(qMin), flat = 0;
    for (let i = 1; i <= n; i++) {
      let low = at(i - 1), high = at(i);
      const after = less(high);
      if (Math.abs(after) < small * high) flat++;
      if (before > 0 !== after > 0) {
        const rising = before < 0;
        for (let k = 0; k < 70; k++) {
          const middle = Math.sqrt(low * high);
          if (less(middle) < 0 === rising) low = middle; else high = middle;
        }
        const q = Math.sqrt(low * high), slope = this.slope(q);
        out.push({ q, slope, stable: Math.abs(slope) < 1 });
      }
      before = after;
    }
    this.keepsEveryQ = flat > n / 2;
    return this.keepsEveryQ ? [] : out;
  }

  // the variances of all layers from q0 on
  run(q0, depth) {
    const { qMax } = this.phi, q = [q0];
    for (let l = 1; l <= depth; l++) {
      const last = q[l - 1];
      let next = last >= qMax ? Infinity : this.F(last);
      if (Math.abs(next / last - 1) < 1e-15) next = last;
      q.push(next);
    }
    return q;
  }

  // below the smallest variance: what exceeds phi(0)^2 in proportion
  nearZero(q) {
    const zero = this.phi.phi(0) ** 2, { qMin } = this.phi;
    return this.b2 + this.w2 * (zero + ((this.phi.moment("V", qMin) - zero) * q) / qMin);
  }

  limit(q0) {
    let q = q0;
    for (let l = 0; l < 5000; l++) {
      if (q >= this.phi.qMax) return Infinity;
      const next = this.F(q);
      if (next < 1e-30) return 0;
      if (Math.abs(next / q - 1) < 1e-14) return next;
      q = next;
    }
    return this.settled(q);
  }

  // slow ends: the fixed point that a variance is on its way to
  settled(q) {
    const up = this.F(q) > q, all = this.fixedPoints().filter((p) => (p.q > q) === up);
    if (!all.length) return up ? Infinity : 0;
    return up ? all[0].q : all[all.length - 1].q;
  }

  // 1 - c behind a layer of two inputs of one variance
  distance(q, e) {
    if (e <= 0) return 0;
    return Math.min(2, (this.w2 * this.phi.pair(q, e).G) / this.F(q));
  }

  // the correlation that different inputs end at, where variances have settled at q
  cStar(q) {
    if (!this.phi.jumps && this.chi(q) <= 1 + 1e-12) return { e: 0, slope: this.chi(q) };
    const less = (e) => this.distance(q, e) - e;
    let low = 1e-14, high = 2;
    for (let k = 1; k <= 400; k++) { // the first crossing from above 0 to below it
      const e = 2 * Math.sin((k * Math.PI) / 800) ** 2;
      if (less(e) <= 0) { high = e; break; }
      low = e;
    }
    for (let k = 0; k < 80; k++) {
      const middle = 0.5 * (low + high);
      if (less(middle) > 0) low = middle; else high = middle;
    }
    const e = 0.5 * (low + high);
    return { e, slope: this.w2 * this.phi.pair(q, e).Kd };
  }

  // the law of 1 - c on the edge of chaos: its power of the layer and its constant
  law(q) {
    const a = this.phi.angular(q), n = a.length;
    let h1 = 0, h2 = 0; // derivatives by x at x = -1, where T_k' = (-1)^(k-1) k^2 and T_k'' = (-1)^k k^2 (k^2 - 1)/3
    for (let k = 1; k < n; k++) {
      const sign = k % 2 ? 1 : -1;
      h1 += sign * k * k * a[k];
      h2 -= (sign * k * k * (k * k - 1) * a[k]) / 3;
    }
    h1 *= 2 / Math.PI; h2 *= 4 / (Math.PI * Math.PI);
    if (this.phi.kind === "kink") return { power: 2, constant: 2 / (this.w2 * h1) ** 2, name: "\u03ba" };
    return { power: 1, constant: -1 / (this.w2 * h2), name: "\u03b2_q" };
  }

  // the point of the edge of chaos with this sigma_b: q with D(q)(q - sigma_b^2) = V(q), the largest that is stable
  static edge(phi, sigmaB) {
    if (phi.curve.kind === "none") return null;
    if (phi.curve.kind === "point") return { sigmaW: phi.pieces[0].sigmaW[0], sigmaB: 0, q: 1 };
    const b2 = sigmaB * sigmaB, n = 600, found = [];
    const less = (q) => q - phi.moment("V", q) / phi.moment("D", q) - b2;
    const at = (i) => phi.qMin * (phi.qMax / phi.qMin) ** (i / n);
    for (let i = 1; i <= n; i++) {
      let low = at(i - 1), high = at(i);
      if (less(low) > 0 === less(high) > 0) continue;
      const rising = less(low) < 0;
      for (let k = 0; k < 70; k++) {
        const middle = Math.sqrt(low * high);
        if (less(middle) < 0 === rising) low = middle; else high = middle;
      }
      const q = Math.sqrt(low * high), sigmaW = phi.moment("D", q) ** -0.5;
      found.push({ sigmaW, sigmaB, q, stable: Math.abs(1 + phi.moment("P", q) / phi.moment("D", q)) < 1 });
    }
    return found.find((p) => p.stable) || found[0] || null;
  }
}
