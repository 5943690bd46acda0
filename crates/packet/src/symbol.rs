//! Map symbols (chapter 20 and appendix 2): table and code, their names, and symbols named by an address.

/// A map symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Symbol {
    /// `/` primary, `\` alternate, or the overlay (0-9, A-Z) drawn on the alternate one.
    pub table: char,
    /// Which symbol, `!` to `~`.
    pub code: char,
}

impl Symbol {
    /// A symbol of a table (`/`, `\` or an overlay) and code.
    #[must_use]
    pub const fn new(table: char, code: char) -> Self {
        Self { table, code }
    }

    /// What the symbol shows; empty if the place in the table is not taken.
    #[must_use]
    pub fn name(self) -> &'static str {
        symbol_name(self.table, self.code)
    }
}

/// Names of the primary table, `!` to `~`.
const PRIMARY: [&str; 94] = [
    "Police station",
    "",
    "Digipeater",
    "Telephone",
    "DX cluster",
    "HF gateway",
    "Small aircraft",
    "Mobile satellite ground station",
    "Wheelchair",
    "Snowmobile",
    "Red Cross post",
    "Scout camp (boys)",
    "House (VHF)",
    "X mark",
    "Red dot",
    "Numbered circle 0",
    "Numbered circle 1",
    "Numbered circle 2",
    "Numbered circle 3",
    "Numbered circle 4",
    "Numbered circle 5",
    "Numbered circle 6",
    "Numbered circle 7",
    "Numbered circle 8",
    "Numbered circle 9",
    "Fire",
    "Campground, portable operation",
    "Motorcycle",
    "Railroad engine",
    "Car",
    "File server",
    "Hurricane, predicted position",
    "Aid station",
    "Bulletin board (BBS)",
    "Canoe",
    "",
    "Eyeball, live event",
    "Farm vehicle, tractor",
    "Grid square, 6 characters",
    "Hotel",
    "TCP/IP network station",
    "",
    "School",
    "PC user",
    "MacAPRS user",
    "Traffic net (NTS) station",
    "Balloon",
    "Police",
    "",
    "Recreational vehicle",
    "Space shuttle",
    "Slow-scan TV",
    "Bus",
    "Amateur TV",
    "National weather service site",
    "Helicopter",
    "Yacht, sailboat",
    "WinAPRS user",
    "Person on foot",
    "Direction-finding triangle",
    "Mailbox, post office",
    "Large aircraft",
    "Weather station",
    "Dish antenna",
    "Ambulance",
    "Bicycle",
    "Incident command post",
    "Fire department",
    "Horse and rider",
    "Fire truck",
    "Glider",
    "Hospital",
    "Islands on the air",
    "Jeep",
    "Truck",
    "Laptop",
    "Mic-E repeater",
    "Network node",
    "Emergency operations centre",
    "Rover, dog",
    "Grid square, 4 characters",
    "Repeater",
    "Ship, power boat",
    "Truck stop",
    "Truck, 18 wheels",
    "Van",
    "Water station",
    "X11 or Unix user",
    "House with yagi",
    "",
    "",
    "TNC stream switch",
    "",
    "TNC stream switch",
];

/// Names of the alternate table, `!` to `~`.
const ALTERNATE: [&str; 94] = [
    "Emergency",
    "",
    "Digipeater with overlay",
    "Bank or cash machine",
    "Power plant",
    "Gateway with overlay",
    "Crash or incident site",
    "Cloudy",
    "Earth observation, fire net",
    "Snow (old)",
    "Church",
    "Scout camp (girls)",
    "House (HF)",
    "Ambiguous position",
    "Waypoint destination",
    "Circle with overlay",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "Wi-Fi or other network node",
    "Fuel station",
    "Hail (old)",
    "Park, picnic site",
    "Weather advisory, one flag",
    "Rail symbols with overlay",
    "Car with overlay, from above",
    "Information kiosk",
    "Hurricane, tropical storm",
    "Box with overlay",
    "Blowing snow (old)",
    "Coast guard",
    "Depot, terminal",
    "Smoke, poor visibility",
    "Freezing rain (old)",
    "Snow shower (old)",
    "Haze, hazards",
    "Rain shower",
    "Lightning (old)",
    "Handheld radio",
    "Lighthouse",
    "Military affiliate radio",
    "Navigation buoy",
    "Rocket, balloon with overlay",
    "Parking",
    "Earthquake",
    "Restaurant",
    "Satellite",
    "Thunderstorm",
    "Sunny",
    "VORTAC navigation aid",
    "National weather service site with overlay",
    "Pharmacy",
    "Radios and devices",
    "",
    "Wall cloud; person with overlay",
    "Navigation device with overlay",
    "",
    "Aircraft with overlay, from above",
    "Weather site with overlay",
    "Rain",
    "Club and service diamond (ARRL, ARES, D-STAR)",
    "Blowing dust (old)",
    "Civil defence triangle",
    "DX spot",
    "Sleet",
    "Funnel cloud",
    "Gale flags",
    "Store, hamfest",
    "Box or point of interest",
    "Work zone",
    "SUV, special vehicle",
    "Area object (drawn as a shape)",
    "Value sign (three digits)",
    "Triangle with overlay",
    "Small circle",
    "Partly cloudy (old)",
    "",
    "Restrooms",
    "Ship with overlay, from above",
    "Tornado",
    "Truck with overlay",
    "Van with overlay",
    "Flooding, slides",
    "Wreck or obstruction",
    "Storm spotter (Skywarn)",
    "Shelter with overlay",
    "Fog (old)",
    "TNC stream switch",
    "",
    "TNC stream switch",
];

/// Overlays that change what an alternate symbol means (1.2 symbols-new).
const OVERLAYS: [(char, char, &str); 31] = [
    ('I', '#', "Digipeater and igate"),
    ('L', '#', "Digipeater, path limited"),
    ('P', '#', "Digipeater with PREEMPT"),
    ('S', '#', "Digipeater for SSn-N"),
    ('X', '#', "Experimental digipeater"),
    ('V', '#', "Digipeater with VISCOUS delay"),
    ('W', '#', "WIDEn-N digipeater"),
    ('I', '&', "Igate"),
    ('L', '&', "LoRa igate"),
    ('R', '&', "Receive-only igate"),
    ('T', '&', "Igate that transmits one hop"),
    ('2', '&', "Igate that transmits two hops"),
    ('P', '&', "PSKmail node"),
    ('W', '&', "WIRES gateway"),
    ('E', '0', "Echolink node"),
    ('I', '0', "IRLP node"),
    ('W', '0', "WIRES node"),
    ('S', '0', "Staging area"),
    ('V', '0', "Echolink and IRLP node"),
    ('B', '>', "Battery electric car"),
    ('E', '>', "Ethanol car"),
    ('F', '>', "Fuel cell car"),
    ('H', '>', "Hybrid car"),
    ('P', '>', "Plug-in hybrid car"),
    ('S', '>', "Solar car"),
    ('B', 'O', "Blimp"),
    ('M', 'O', "Manned balloon"),
    ('T', 'O', "Tethered balloon"),
    ('J', '^', "Jet"),
    ('D', '^', "Drone"),
    ('H', '^', "Hovercraft"),
];

/// What a symbol shows. An overlay with a meaning of its own wins over the plain alternate symbol. Empty for codes
/// the tables do not use.
///
/// ```
/// assert_eq!(godwit_packet::symbol_name('/', '>'), "Car");
/// assert_eq!(godwit_packet::symbol_name('I', '&'), "Igate");
/// ```
#[must_use]
pub fn symbol_name(table: char, code: char) -> &'static str {
    let Some(at) = u32::from(code).checked_sub(33).and_then(|at| usize::try_from(at).ok()).filter(|&at| at < 94) else {
        return "";
    };
    match table {
        '/' => PRIMARY[at],
        '\\' => ALTERNATE[at],
        '0'..='9' | 'A'..='Z' => {
            OVERLAYS.iter().find(|&&(overlay, of, _)| (overlay, of) == (table, code)).map_or(ALTERNATE[at], |&(_, _, name)| name)
        }
        _ => "",
    }
}

/// Letter pairs that name the symbols `!` to `~` in a destination, primary then alternate.
const PAIRS: [&[u8]; 2] = [
    b"BBBCBDBEBFBGBHBIBJBKBLBMBNBOBPP0P1P2P3P4P5P6P7P8P9MRMSMTMUMVMWMXPAPBPCPDPEPFPGPHPIPJPKPLPMPNPOPPPQPRPSPTPUPVPWPXPYPZHSHTHUHVHWHXLALBLCLDLELFLGLHLILJLKLLLMLNLOLPLQLRLSLTLULVLWLXLYLZJ1J2J3J4",
    b"OBOCODOEOFOGOHOIOJOKOLOMONOOOPA0A1A2A3A4A5A6A7A8A9NRNSNTNUNVNWNXAAABACADAEAFAGAHAIAJAKALAMANAOAPAQARASATAUAVAWAXAYAZDSDTDUDVDWDXSASBSCSDSESFSGSHSISJSKSLSMSNSOSPSQSRSSSTSUSVSWSXSYSZQ1Q2Q3Q4",
];

/// Symbols of the source SSIDs 1 to 15.
const BY_SSID: [char; 15] = ['a', 'U', 'f', 'b', 'Y', 'X', '\'', 's', '>', '<', 'O', 'j', 'R', 'k', 'v'];

/// The symbol the addresses name when the information field does not: destination `GPSxyz`, `SPCxyz`, `SYMxyz`,
/// `GPSCnn`, `GPSEnn`, else the source SSID.
pub(crate) fn from_addresses(destination: &str, source: &str) -> Option<Symbol> {
    from_destination(destination).or_else(|| {
        let ssid: usize = source.split_once('-')?.1.parse().ok()?;
        Some(Symbol::new('/', *BY_SSID.get(ssid.checked_sub(1)?)?))
    })
}

fn from_destination(destination: &str) -> Option<Symbol> {
    let base = destination.split('-').next().unwrap_or(destination);
    let rest = ["GPS", "SPC", "SYM"].iter().find_map(|prefix| base.strip_prefix(prefix))?.as_bytes();
    if let [table @ (b'C' | b'E'), tens, ones] = rest
        && let Some(number @ 1..=94) = crate::text::digits(&[*tens, *ones])
    {
        let code = char::from_u32(number + 32)?;
        return Some(Symbol::new(if *table == b'C' { '/' } else { '\\' }, code));
    }
    let pair = rest.get(..2)?;
    for (pairs, table) in PAIRS.into_iter().zip(['/', '\\']) {
        if let Some(at) = pairs.chunks_exact(2).position(|candidate| candidate == pair) {
            let code = char::from_u32(u32::try_from(at).ok()? + 33)?;
            let overlay = rest.get(2).copied().filter(u8::is_ascii_alphanumeric).map(char::from);
            return Some(Symbol::new(overlay.filter(|_| table == '\\').unwrap_or(table), code));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_tables_and_overlays() {
        assert_eq!(symbol_name('/', '_'), "Weather station");
        assert_eq!(symbol_name('\\', '>'), "Car with overlay, from above");
        assert_eq!(symbol_name('B', '>'), "Battery electric car");
        assert_eq!(symbol_name('Q', '>'), symbol_name('\\', '>'));
        assert_eq!((symbol_name('/', ' '), symbol_name('$', '>'), symbol_name('/', 'é')), ("", "", ""));
    }

    #[test]
    fn addresses_name_symbols() {
        let symbol = |destination, source| from_addresses(destination, source).map(|s| (s.table, s.code));
        assert_eq!(symbol("GPSMV", "OE9XXX"), Some(('/', '>')));
        assert_eq!(symbol("GPSC30", "OE9XXX"), Some(('/', '>')));
        assert_eq!(symbol("GPSE30", "OE9XXX"), Some(('\\', '>')));
        assert_eq!(symbol("SPCNVE", "OE9XXX"), Some(('E', '>')));
        assert_eq!(symbol("APRS", "OE9XXX-9"), Some(('/', '>')));
        assert_eq!(symbol("APRS", "OE9XXX"), None);
    }
}
