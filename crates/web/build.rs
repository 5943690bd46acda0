//! Lists the built front-end (`front/dist`) so that it is compiled in, each file with its pre-compressed forms.
//! Without a built front-end (plain `cargo build`) one page says how to make it.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let dist = root.join("../../front/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    collect(&dist, &mut files);
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let path = file.strip_prefix(&dist).expect("below dist").to_string_lossy().replace('\\', "/");
        if path.starts_with('.') || [".br", ".gz"].iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let packed = |end: &str| {
            let packed = PathBuf::from(format!("{}{end}", file.display()));
            if packed.is_file() { format!("Some({})", include(&packed)) } else { "None".to_owned() }
        };
        let _ = writeln!(
            table,
            "    Asset {{ path: {path:?}, plain: {}, brotli: {}, gzip: {} }},",
            include(file),
            packed(".br"),
            packed(".gz"),
        );
    }
    if table.len() < 4 {
        let page = "<!doctype html><html lang=\"en\"><title>Godwit</title><p>The front-end is not built. Run <code>make front</code>, then build again.</p></html>";
        let _ = writeln!(table, "    Asset {{ path: \"index.html\", plain: {page:?}.as_bytes(), brotli: None, gzip: None }},");
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("assets.rs"), table).expect("write to OUT_DIR");
}

fn include(file: &Path) -> String {
    format!("include_bytes!({:?})", file.canonicalize().expect("exists"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
