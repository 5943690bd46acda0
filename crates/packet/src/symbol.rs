//! Symbols (chapter 20, appendix 2, and the 1.2 addendum's overlays): two tables, and what they are called.

/// What the map draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbol {
    /// `/` primary, `\` alternate, `0`-`9` `A`-`Z` alternate with that character over it.
    pub table: u8,
    /// `!` to `~`.
    pub code: u8,
}

/// The name of a symbol in English; `"Unknown symbol"` for codes without a meaning.
#[must_use]
pub fn symbol_name(table: u8, code: u8) -> &'static str {
    let index = usize::from(code.wrapping_sub(b'!'));
    let names = if table == b'/' { &PRIMARY } else { &ALTERNATE };
    match names.get(index) {
        Some(&name) if !name.is_empty() => name,
        _ => "Unknown symbol",
    }
}

#[rustfmt::skip]
const PRIMARY: [&str; 94] = [
    "Police station", "", "Digipeater", "Telephone", "DX cluster", "HF gateway", "Small aircraft", "Mobile satellite station",
    "Wheelchair", "Snowmobile", "Red Cross", "Scouts", "House", "X mark", "Red dot", "Circle 0", "Circle 1", "Circle 2",
    "Circle 3", "Circle 4", "Circle 5", "Circle 6", "Circle 7", "Circle 8", "Circle 9", "Fire", "Campground", "Motorcycle",
    "Railroad engine", "Car", "File server", "Hurricane forecast", "Aid station", "BBS", "Canoe", "", "Eyeball", "Farm vehicle",
    "Grid square, 6 characters", "Hotel", "TCP/IP station", "", "School", "PC user", "MacAPRS", "NTS station", "Balloon",
    "Police", "", "Recreational vehicle", "Space shuttle", "Slow-scan TV", "Bus", "Amateur TV", "National Weather Service site",
    "Helicopter", "Yacht", "WinAPRS", "Person", "Direction finder", "Post office", "Large aircraft", "Weather station",
    "Dish antenna", "Ambulance", "Bicycle", "Incident command post", "Fire department", "Horse", "Fire truck", "Glider",
    "Hospital", "Islands on the air", "Jeep", "Truck", "Laptop", "Mic-E repeater", "Node", "Emergency operations centre", "Dog",
    "Grid square, 4 characters", "Repeater", "Ship", "Truck stop", "Truck, 18 wheels", "Van", "Water station", "X-APRS",
    "House with yagi", "", "", "", "", "",
];

#[rustfmt::skip]
const ALTERNATE: [&str; 94] = [
    "Emergency", "", "Digipeater", "Bank", "Power plant", "Gateway", "Crash site", "Cloudy", "Earth observation", "Snow", "Church",
    "Scouts", "House (HF)", "Ambiguous position", "Waypoint", "Circle", "", "", "", "", "", "", "", "Network node", "Fuel station",
    "Hail", "Park", "Weather advisory", "Railroad", "Car", "Information", "Hurricane", "Box", "Blowing snow", "Coast guard",
    "Depot", "Smoke", "Freezing rain", "Snow shower", "Haze", "Rain shower", "Lightning", "Handheld radio", "Lighthouse",
    "Military affiliate radio", "Navigation buoy", "Rocket", "Parking", "Earthquake", "Restaurant", "Satellite", "Thunderstorm",
    "Sunny", "VORTAC", "Weather service site", "Pharmacy", "Radio device", "", "Wall cloud", "Navigation device", "",
    "Aircraft", "Weather site", "Rain", "Club", "Blowing dust", "Civil defence", "DX spot", "Sleet", "Funnel cloud",
    "Gale flags", "Store", "Point of interest", "Work zone", "Special vehicle", "Area", "Value sign", "Triangle",
    "Small circle", "Partly cloudy", "", "Restrooms", "Ship", "Tornado", "Truck", "Van", "Flooding", "Wreck", "Skywarn",
    "Shelter", "Fog", "", "", "",
];

#[cfg(test)]
mod tests {
    use super::symbol_name;

    #[test]
    fn names_stand_at_their_codes() {
        for (table, code, name) in [
            (b'/', b'>', "Car"),
            (b'/', b'_', "Weather station"),
            (b'/', b'[', "Person"),
            (b'/', b'-', "House"),
            (b'/', b'y', "House with yagi"),
            (b'/', b'#', "Digipeater"),
            (b'\\', b'^', "Aircraft"),
            (b'I', b'&', "Gateway"),
            (b'\\', b'z', "Shelter"),
            (b'/', b'O', "Balloon"),
            (b'\\', b'!', "Emergency"),
            (b'/', b'a', "Ambulance"),
            (b'\\', b'a', "Club"),
            (b'/', 0, "Unknown symbol"),
            (b'/', b'~', "Unknown symbol"),
            (b'\\', b'9', "Fuel station"),
            (b'\\', b'S', "Satellite"),
            (b'/', b's', "Ship"),
            (b'\\', b'm', "Value sign"),
        ] {
            assert_eq!(
                symbol_name(table, code),
                name,
                "{}{}",
                char::from(table),
                char::from(code)
            );
        }
    }
}
