using FsCheck;
using FsCheck.Fluent;
using Run.Naming;
using Run.Pinning;
using Run.Posix;

namespace Run.Tests.Pinning;

/// <summary>Properties of any run.pins and any pinned URL.</summary>
public sealed class PinProperties
{
    private const string Host = "https://h.example";

    private static readonly Source s_source = new("s", Host + "/%s/%s/{ref}/%s") { Mirrors = ["https://m.example/{ref}/%s"] };

    [Fact]
    public void A_list_that_was_written_reads_as_it_was()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(Pins().ToArbitrary(), static pins =>
        {
            var text = PinList.Empty.With(pins).ToText();
            var read = PinList.Parse("run.pins", text);
            return read.ToText() == text
                && read.Pins.ToHashSet().SetEquals(pins)
                && pins.All(pin => read.Find(Pin.Key(pin.Script)) == pin);
        }));
    }

    [Fact]
    public void Its_lines_are_in_the_order_of_their_bytes()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(Pins().ToArbitrary(), static pins =>
        {
            var lines = PinList.Empty.With(pins).ToText().Split('\n')[..^1].Select(OsText.ToBytes).ToList();
            return lines.Zip(lines.Skip(1)).All(static pair => pair.First.AsSpan().SequenceCompareTo(pair.Second) < 0);
        }));
    }

    [Fact]
    public void The_order_of_pinning_does_not_matter_and_comments_stay()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(Pins().ToArbitrary(), Comments().ToArbitrary(), static (pins, comments) =>
        {
            var start = PinList.Parse("run.pins", string.Concat(comments.Select(static line => line + "\n")));
            var one = pins.Aggregate(start, static (list, pin) => PinList.Parse("run.pins", list.With([pin]).ToText())).ToText();
            var other = start.With(Enumerable.Reverse(pins)).ToText();
            return one == other && one.Split('\n')[..^1].Intersect(comments).Count() == comments.Distinct().Count();
        }));
    }

    [Fact]
    public void Any_text_is_read_or_is_a_mistake_with_its_place()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(Text("a:/%#@ \t\n\r\0é\udc80\u202e.sha256https").ToArbitrary(), static text =>
        {
            try
            {
                var list = PinList.Parse("f", text);
                return PinList.Parse("f", list.ToText()).ToText() == list.ToText();
            }
            catch (RunException e)
            {
                return e.Status == ExitStatus.Configuration && e.Message.StartsWith("f:", StringComparison.Ordinal);
            }
        }));
    }

    [Fact]
    public void SCRIPT_survives_being_a_word()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(Text("a %#205é:/@").ToArbitrary(), static text =>
        {
            var word = Pin.Encode(text);
            return !word.Contains(' ', StringComparison.Ordinal) && !word.StartsWith('#') && Pin.Decode(word) == text;
        }));
    }

    /// <summary>Whatever run.pins says, the request goes to the source's own URL of these parts, with a ref that is one segment.</summary>
    [Fact]
    public void No_pinned_URL_leads_elsewhere()
    {
        var urls = Text("/.%2Fe:@?#\\\0é").Select(static middle => $"{Host}/o/r/{middle}/p/x")
            .Or(Text("/orpx.%2F:@?#").Select(static path => Host + path));
        Check.QuickThrowOnFailure(Prop.ForAll(urls.ToArbitrary(), static url =>
        {
            var wanted = new ResolvedScript("s:o/r/p/x", null, s_source, s_source.Expand("o/r/p/x"), null) { PathAndRef = "o/r/p/x" };
            try
            {
                var pinned = PinnedUrl.Apply(new Pin("s:o/r/p/x", url, Pin.OfBytes, new string('0', 64)), wanted, "run.pins");
                var uri = new Uri(pinned.Url);
                return pinned.Url == url
                    && uri is { Host: "h.example", Segments: ["/", "o/", "r/", _, "p/", "x"], Query: "", Fragment: "" }
                    && pinned.Urls[1] == $"https://m.example/{uri.Segments[3]}o/r/p/x";
            }
            catch (RunException e)
            {
                return e.Status == ExitStatus.Refused;
            }
        }));
    }

    [Fact]
    public void Every_plain_ref_is_found_again()
    {
        var refs = Text("abc019._-+").Where(static r => r.Length > 0 && r is not ("." or ".."));
        Check.QuickThrowOnFailure(Prop.ForAll(refs.ToArbitrary(), static reference =>
        {
            var wanted = new ResolvedScript("s:o/r/p/x", null, s_source, s_source.Expand("o/r/p/x"), null) { PathAndRef = "o/r/p/x" };
            var url = s_source.Expand("o/r/p/x@" + reference)[0];
            return PinnedUrl.Apply(new Pin("s:o/r/p/x", url, Pin.OfBytes, new string('0', 64)), wanted, "run.pins").Urls
                .SequenceEqual(s_source.Expand("o/r/p/x@" + reference));
        }));
    }

    private static Gen<string> Text(string characters) =>
        Gen.Elements(characters.ToCharArray()).ListOf().Select(static list => new string([.. list]));

    private static Gen<List<string>> Comments() =>
        Text("# ab:").Select(static text => "#" + text.TrimEnd()).ListOf().Select(static list => list.ToList());

    private static Gen<List<Pin>> Pins()
    {
        var script = Text("ab %#-@é\udcff!").Select(static text => "s:x" + text)
            .Or(Text("ab%2é-").Select(static text => Host + "/x" + text));
        var pin =
            from name in script
            from digest in Gen.Elements("0123456789abcdef".ToCharArray()).ArrayOf(64)
            select new Pin(name, Host + "/x", Pin.OfBytes, new string(digest));
        return pin.ListOf().Select(static list => list.DistinctBy(static p => Pin.Key(p.Script)).ToList());
    }
}
