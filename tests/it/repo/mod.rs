//! What the repository says of itself, held by reading its files: layers, waits, numbers, texts.

mod bounds;
mod catalogues;
mod layers;
mod readme;
mod requirements;
