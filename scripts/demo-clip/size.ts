/** The picture of the demo clip: its size, and where the land meets the sky. */

export const WIDTH = 1280;
export const HEIGHT = 720;
export const HORIZON = 486;

export const TURN = 2 * Math.PI;
