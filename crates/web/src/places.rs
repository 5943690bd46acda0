//! Places by name, for the search: the names of the embedded base map (assets/basemap/places.tsv), without accents and
//! capitals, in the order of the alphabet. Made once, when the first search comes; about 1 MB.

use std::sync::OnceLock;

const TSV: &str = include_str!("../../../assets/basemap/places.tsv");

/// Names that one search looks at, at most: those that begin with a single letter.
const MOST_LOOKED_AT: usize = 4000;

/// A place that a name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// The name that was found: one of several, where a place has several.
    pub(crate) name: &'static str,
    /// ISO 3166-1 alpha-2; empty for countries.
    pub(crate) country: &'static str,
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
    /// Zoom of a map that shows it well.
    pub(crate) zoom: u8,
    /// 0: the most important.
    rank: u8,
}

struct Entry {
    folded: String,
    /// It begins in the middle of the name: "hague".
    inner: bool,
    place: Place,
}

fn index() -> &'static [Entry] {
    static INDEX: OnceLock<Vec<Entry>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut entries: Vec<Entry> = TSV.lines().filter_map(entries_of).flatten().collect();
        entries.sort_unstable_by(|a, b| a.folded.cmp(&b.folded));
        entries
    })
}

/// A line's names, and each again from each of its further words.
fn entries_of(line: &'static str) -> Option<Vec<Entry>> {
    let mut fields = line.split('\t');
    let name = fields.next()?;
    let place = Place {
        name,
        country: fields.next()?,
        latitude: fields.next()?.parse().ok()?,
        longitude: fields.next()?.parse().ok()?,
        zoom: fields.next()?.parse().ok()?,
        rank: fields.next()?.parse().ok()?,
    };
    let names = [name].into_iter().chain(fields.next()?.split('|')).filter(|name| !name.is_empty());
    Some(
        names
            .flat_map(|name| {
                let folded = fold(name);
                let starts: Vec<usize> = [0].into_iter().chain(folded.match_indices(' ').map(|(at, _)| at + 1)).collect();
                starts.into_iter().map(move |at| Entry { folded: folded[at..].to_owned(), inner: at > 0, place: Place { name, ..place } })
            })
            .collect(),
    )
}

/// Places whose name, or a word of it, begins like this: whole names first, then the important ones.
pub(crate) fn search(text: &str, limit: usize) -> Vec<Place> {
    let wanted = fold(text);
    if wanted.is_empty() {
        return Vec::new();
    }
    let index = index();
    let from = index.partition_point(|entry| entry.folded < wanted);
    let mut found: Vec<&Entry> = index[from..].iter().take_while(|entry| entry.folded.starts_with(&wanted)).take(MOST_LOOKED_AT).collect();
    found.sort_by_key(|entry| (entry.inner, entry.folded.len() != wanted.len(), entry.place.rank, &entry.folded));
    let mut places: Vec<Place> = Vec::new();
    for entry in found {
        let known = places.iter().any(|place| (place.latitude, place.longitude) == (entry.place.latitude, entry.place.longitude));
        if !known {
            places.push(entry.place);
        }
        if places.len() == limit {
            break;
        }
    }
    places
}

/// Small letters without accents; what is neither letter nor digit parts words.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' | 'Æ' => folded.push_str("ae"),
            'œ' | 'Œ' => folded.push_str("oe"),
            'þ' | 'Þ' => folded.push_str("th"),
            // Accents that stand beside their letter, and apostrophes, which some write and some do not.
            '\u{300}'..='\u{36f}' | '\'' | '’' | 'ʻ' => {}
            c if c.is_ascii_alphanumeric() => folded.push(c.to_ascii_lowercase()),
            c => match plain(c) {
                Some(letter) => folded.push(letter),
                None if c.is_alphanumeric() => folded.extend(c.to_lowercase()),
                None if !folded.is_empty() && !folded.ends_with(' ') => folded.push(' '),
                None => {}
            },
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The letter below the accents of the Latin scripts: of each block of Unicode its base letters, in order.
fn plain(c: char) -> Option<char> {
    const BLOCKS: [(u32, &str); 4] = [
        (
            0xc0,
            "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuytyaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkk\
             llllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs",
        ),
        (0x1a0, "oo"),
        (0x218, "sstt"),
        (
            0x1e00,
            "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuu\
             vvvvwwwwwwwwwwxxxxyyzzzzzzhtwy    s aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy",
        ),
    ];
    BLOCKS.iter().find_map(|(first, letters)| {
        let at = u32::from(c).checked_sub(*first)?;
        letters.chars().nth(usize::try_from(at).ok()?).filter(|letter| *letter != ' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> (&'static str, &'static str) {
        search(text, 5).first().map(|place| (place.name, place.country)).unwrap_or_default()
    }

    #[test]
    fn every_line_is_read() {
        assert_eq!(TSV.lines().count(), TSV.lines().filter_map(entries_of).count());
        assert!(index().iter().all(|entry| !entry.folded.is_empty() && (-90.0..=90.0).contains(&entry.place.latitude)));
    }

    #[test]
    fn accents_capitals_and_other_names_do_not_matter() {
        for (text, name, country) in [
            ("zurich", "Zürich", "CH"),
            ("ZÜRICH", "Zürich", "CH"),
            ("Zu\u{308}rich", "Zürich", "CH"),
            ("wien", "Wien", "AT"),
            ("vienna", "Vienna", "AT"),
            ("munch", "München", "DE"),
            ("Đông hà", "Đông Hà", "VN"),
            ("haag", "Den Haag", "NL"),
            ("österreich", "Österreich", ""),
            ("new york", "New York", "US"),
            ("san  fran", "San Francisco", "US"),
        ] {
            assert_eq!(first(text), (name, country), "{text}");
        }
        assert_eq!(fold("L'Aquila-d’Água"), "laquila dagua");
    }

    #[test]
    fn whole_names_and_the_important_come_first_and_nothing_twice() {
        let found = search("lon", 5);
        assert_eq!((found[0].name, found[0].country), ("London", "GB"));
        assert!(found.windows(2).all(|pair| pair[0].rank <= pair[1].rank));
        assert_eq!(search("wien", 5).len(), 2, "Vienna once, and Wiener Neustadt");
        assert!(search("", 5).is_empty() && search("qqqq", 5).is_empty() && search("  -- ", 5).is_empty());
        assert!(search("s", 3).len() == 3);
    }
}
