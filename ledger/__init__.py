"""The operational record that the other rooms write to: what came, what was judged, decided and released."""
