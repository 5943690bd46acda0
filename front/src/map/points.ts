/**
 * Symbols by WebGL2: one point sprite each, out of the sheet; overlay characters out of a strip. One draw call. Where
 * there is no WebGL2, by Canvas 2D: the same picture, slower. A lost context falls back likewise.
 */
import { type Atlas, COLUMNS, NO_CELL, ROWS } from "./atlas";
import type { Frame } from "./overlay";
import { FIELDS, type Scene } from "./scene";

export interface Points {
  draw(scene: Scene, frame: Frame, size: number): void;
  destroy(): void;
}

const VERTEX = `#version 300 es
in vec2 place; in vec4 look;
uniform vec2 view; uniform float size;
flat out vec2 cell; flat out float turn; flat out float over; flat out float alpha;
void main() {
  gl_Position = vec4(place.x / view.x * 2.0 - 1.0, 1.0 - place.y / view.y * 2.0, 0.0, 1.0);
  gl_PointSize = size;
  cell = vec2(mod(look.x, ${COLUMNS}.0), floor(look.x / ${COLUMNS}.0));
  turn = look.y; over = look.z; alpha = look.w;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D sheet; uniform sampler2D strip;
flat in vec2 cell; flat in float turn; flat in float over; flat in float alpha;
out vec4 colour;
void main() {
  vec2 at = gl_PointCoord - 0.5;
  vec2 turned = turn == 0.0 ? at : vec2(at.x * cos(turn) + at.y * sin(turn), at.y * cos(turn) - at.x * sin(turn));
  vec4 pixel = vec4(0.0);
  if (max(abs(turned.x), abs(turned.y)) <= 0.5) pixel = texture(sheet, (cell + turned + 0.5) / vec2(${COLUMNS}.0, ${ROWS}.0));
  if (over >= 0.0) {
    vec4 character = texture(strip, vec2((over + gl_PointCoord.x) / 36.0, gl_PointCoord.y));
    pixel = character + pixel * (1.0 - character.a);
  }
  colour = pixel * alpha;
}`;

function program(gl: WebGL2RenderingContext): WebGLProgram {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (shader === null) throw new Error("no shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) ?? "the shaders do not link");
  return made;
}

/** Symbols by WebGL2 (the drawn picture stays readable, for printing and copying the map); `null` where that does not work. `onLost` is called when it ceases to. */
export function glPoints(canvas: HTMLCanvasElement, atlas: Atlas, onLost: () => void): Points | null {
  const gl = canvas.getContext("webgl2", { alpha: true, premultipliedAlpha: true, antialias: false, depth: false, stencil: false, preserveDrawingBuffer: true });
  if (gl === null) return null;
  let shaders: WebGLProgram;
  try {
    shaders = program(gl);
  } catch {
    return null;
  }
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault();
    onLost();
  }, { once: true });
  gl.useProgram(shaders);
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  const attribute = (name: string, numbers: number, offset: number) => {
    const at = gl.getAttribLocation(shaders, name);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, numbers, gl.FLOAT, false, FIELDS * 4, offset * 4);
  };
  attribute("place", 2, 0);
  attribute("look", 4, 2);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  [atlas.sheet, atlas.strip].forEach((image, unit) => {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.uniform1i(gl.getUniformLocation(shaders, unit === 0 ? "sheet" : "strip"), unit);
  });
  const view = gl.getUniformLocation(shaders, "view");
  const pixels = gl.getUniformLocation(shaders, "size");
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  return {
    draw(scene, frame, size) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      if (scene.count === 0) return;
      gl.uniform2f(view, frame.width, frame.height);
      gl.uniform1f(pixels, size * frame.ratio);
      gl.bufferData(gl.ARRAY_BUFFER, scene.data.subarray(0, scene.count * FIELDS), gl.STREAM_DRAW);
      gl.drawArrays(gl.POINTS, 0, scene.count);
    },
    destroy() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}

/** Symbols by Canvas 2D. */
export function canvasPoints(canvas: HTMLCanvasElement, atlas: Atlas): Points {
  const context = canvas.getContext("2d");
  return {
    draw(scene, frame, size) {
      if (context === null) return;
      context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
      context.clearRect(0, 0, frame.width, frame.height);
      for (let i = 0; i < scene.count; i++) {
        const [x, y, cell, turn, over, alpha] = scene.data.subarray(i * FIELDS, (i + 1) * FIELDS) as unknown as [number, number, number, number, number, number];
        context.globalAlpha = alpha;
        const sx = (cell % COLUMNS) * atlas.cell;
        const sy = Math.floor(cell / COLUMNS) * atlas.cell;
        if (turn === 0 || cell === NO_CELL) {
          context.drawImage(atlas.sheet, sx, sy, atlas.cell, atlas.cell, x - size / 2, y - size / 2, size, size);
        } else {
          context.save();
          context.translate(x, y);
          context.rotate(turn);
          context.drawImage(atlas.sheet, sx, sy, atlas.cell, atlas.cell, -size / 2, -size / 2, size, size);
          context.restore();
        }
        if (over >= 0) context.drawImage(atlas.strip, over * atlas.cell, 0, atlas.cell, atlas.cell, x - size / 2, y - size / 2, size, size);
      }
      context.globalAlpha = 1;
    },
    destroy() {},
  };
}
