-- Conflicts of interest, and how the database keeps reviewers and applications apart.
--
-- One definition: funding_conflicts() says for pairs of a person and an application which conflicts stand. Pages, services
-- and triggers all ask it. Installed by a migration (funding/reviews/apart.py); change it here and write another migration.
--
--   funding_conflicts(people, applications)   every reason, for pairs given as two arrays of the same length
--   funding_conflict(person, application)     the weightiest kind, or null
--   funding_keep_apart(…)                     suspends what is reviewed across a conflict, near what has changed
--   apart_*                                   triggers on every table that a conflict can come from
--
-- Two transactions that run at once do not see each other's rows: one assigns, one records. So every trigger is there
-- twice. "now" suspends at once what is already known. "commit" looks again at the end of the transaction, one transaction at
-- a time (funding_apart_one_at_a_time): whoever commits second sees what the first has written.

CREATE OR REPLACE FUNCTION funding_conflict_years(policy text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT value::integer FROM core_policyvalue
    WHERE key = policy AND effective_from <= (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date
      AND (effective_to IS NULL OR effective_to >= (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date)
    ORDER BY effective_from DESC LIMIT 1
$$;

-- Reasons, each with its weight (the smallest is the weightiest). Those that are for_all bar everybody who gives an
-- opinion, in whatever stage; the others bar experts: sharing the employer is what makes a liaison.
CREATE OR REPLACE FUNCTION funding_conflicts(of_people bigint[], of_applications bigint[])
RETURNS TABLE (
    person bigint, application bigint, kind text, weight integer, for_all boolean,
    edge bigint, basis text, detail text, expires_on date
) LANGUAGE plpgsql STABLE COST 10000 AS $$
#variable_conflict use_column
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date;
    -- Without a rule in force a project that has ended counts for ever: the careful side.
    since_day date := COALESCE(today - make_interval(years => funding_conflict_years('conflict.employer_years')), '-infinity')::date;
    spell integer := CASE WHEN isfinite(since_day) THEN today - since_day END;  -- in days
BEGIN
RETURN QUERY
WITH pair AS MATERIALIZED (
    SELECT DISTINCT p.person, a.id AS application, a.call_id, c.conflict_scope, a.kind, a.organisation_id, a.project_id,
           j.university_id, j.faculty_id, j.pi_user_id, lower(btrim(j.institution_text)) AS institution_text
    FROM unnest(of_people, of_applications) AS p(person, application)
    JOIN funding_application a ON a.id = p.application
    JOIN funding_call c ON c.id = a.call_id
    LEFT JOIN incubator_researchproject j ON j.id = a.project_id
), who AS MATERIALIZED (
    SELECT u.id AS person, lower(u.email) AS email, r.orcid, r.organisation_id, r.faculty_id,
           r.institution_key, lower(btrim(r.institution)) AS institution
    FROM (SELECT DISTINCT person FROM pair) p
    JOIN core_user u ON u.id = p.person
    LEFT JOIN funding_reviewer r ON r.user_id = u.id
), what AS MATERIALIZED (
    SELECT DISTINCT application, call_id, kind, organisation_id, project_id, university_id, faculty_id, pi_user_id,
           institution_text
    FROM pair
-- Who stands on the side of each application, with an account or by an address on the team.
), side AS MATERIALIZED (
    SELECT w.application, m.user_id AS person
    FROM what w JOIN incubator_membership m ON m.organisation_id = w.organisation_id
    UNION
    SELECT application, pi_user_id FROM what WHERE pi_user_id IS NOT NULL
    UNION
    SELECT w.application, t.user_id
    FROM what w JOIN incubator_projectmember t ON t.project_id = w.project_id WHERE t.user_id IS NOT NULL
    UNION
    SELECT w.application, u.id
    FROM what w JOIN incubator_projectmember t ON t.project_id = w.project_id AND t.email <> ''
    JOIN core_user u ON lower(u.email) = lower(t.email)
), address AS MATERIALIZED (
    SELECT s.application, lower(u.email) AS email FROM side s JOIN core_user u ON u.id = s.person
    UNION
    SELECT w.application, lower(t.email)
    FROM what w JOIN incubator_projectmember t ON t.project_id = w.project_id WHERE t.email <> ''
), id_of_side AS MATERIALIZED (
    SELECT s.application, s.person, r.orcid FROM side s JOIN funding_reviewer r ON r.user_id = s.person
    WHERE r.orcid <> ''
-- Edges that stand today, of the people asked about and of those on the applications' sides.
), edge AS MATERIALIZED (
    SELECT e.* FROM funding_conflict e
    WHERE e.state = 'standing' AND (e.expires_on IS NULL OR e.expires_on >= today) AND e.id IN (
        SELECT id FROM funding_conflict WHERE person_id IN (SELECT person FROM who UNION SELECT person FROM side)
        UNION SELECT id FROM funding_conflict WHERE other_id IN (SELECT person FROM who)
        UNION SELECT c.id FROM funding_conflict c JOIN who w ON lower(c.other_email) = w.email
        UNION SELECT c.id FROM funding_conflict c JOIN who w ON c.other_orcid = w.orcid WHERE w.orcid <> '')
), tie AS MATERIALIZED (  -- from person to person, in either direction
    SELECT e.id, e.kind, e.source, e.expires_on, e.person_id AS one, e.other_id AS two FROM edge e
    WHERE e.other_id IS NOT NULL
    UNION
    SELECT e.id, e.kind, e.source, e.expires_on, e.person_id, u.id
    FROM edge e JOIN core_user u ON lower(u.email) = lower(e.other_email) WHERE e.other_email <> ''
    UNION
    SELECT e.id, e.kind, e.source, e.expires_on, e.person_id, r.user_id
    FROM edge e JOIN funding_reviewer r ON r.orcid = e.other_orcid WHERE e.other_orcid <> ''
-- Where people work: what is on file, where they belong, posts as liaison, and employers within the years that count.
), work AS MATERIALIZED (
    SELECT person, organisation_id AS organisation, faculty_id AS faculty, NULL::bigint AS edge,
           'register' AS basis, NULL::date AS expires_on, 'employer' AS kind
    FROM who WHERE organisation_id IS NOT NULL
    UNION
    SELECT w.person, o.id, w.faculty_id, NULL, 'name', NULL, 'employer'
    FROM who w JOIN incubator_organisation o ON w.institution_key IN (o.normalised_name, o.normalised_name_en)
    WHERE w.institution_key <> ''
      AND o.id IN (SELECT organisation_id FROM what UNION SELECT university_id FROM what)
    UNION
    SELECT w.person, m.organisation_id, NULL, NULL, 'register', NULL, 'employer'
    FROM who w JOIN incubator_membership m ON m.user_id = w.person
    UNION
    SELECT w.person, l.organisation_id, l.faculty_id, NULL, 'register', l.ends_on, 'employer'
    FROM who w JOIN incubator_liaison l ON l.user_id = w.person
    WHERE l.active AND (l.ends_on IS NULL OR l.ends_on >= today)
    UNION
    SELECT w.person, e.organisation_id, e.faculty_id, e.id, e.source, e.expires_on, e.kind
    FROM who w JOIN edge e ON e.person_id = w.person
    WHERE e.organisation_id IS NOT NULL AND e.kind IN ('employer', 'faculty')
-- The organisations behind each application.
), place AS MATERIALIZED (
    SELECT application, organisation_id AS organisation, NULL::bigint AS faculty FROM what
    WHERE organisation_id IS NOT NULL
    UNION
    SELECT application, university_id, faculty_id FROM what WHERE university_id IS NOT NULL
    UNION
    SELECT w.application, m.organisation_id, NULL
    FROM what w JOIN incubator_membership m ON m.user_id = w.pi_user_id
    UNION
    SELECT w.application, e.organisation_id, e.faculty_id
    FROM what w JOIN edge e ON e.person_id = w.pi_user_id
    WHERE e.organisation_id IS NOT NULL AND e.kind IN ('employer', 'faculty')
-- What somebody has in an organisation that competes: a share, a seat, or the organisation itself.
), interest AS MATERIALIZED (
    SELECT w.person, e.organisation_id AS organisation, e.id AS edge, e.source AS basis, e.expires_on
    FROM who w JOIN edge e ON e.person_id = w.person
    WHERE e.organisation_id IS NOT NULL AND e.kind IN ('shareholder', 'board')
    UNION
    SELECT w.person, m.organisation_id, NULL, 'register', NULL
    FROM who w JOIN incubator_membership m ON m.user_id = w.person AND m.role = 'owner'
), rival AS MATERIALIZED (  -- applications still in the race, of whom our people have something
    SELECT i.person, b.call_id, b.id AS application, i.organisation, i.edge, i.basis, i.expires_on
    FROM interest i JOIN funding_application b ON b.organisation_id = i.organisation
    WHERE b.state IN ('in_review', 'returned', 'reserved', 'approved')
    UNION
    SELECT i.person, b.call_id, b.id, i.organisation, i.edge, i.basis, i.expires_on
    FROM interest i JOIN incubator_membership m ON m.organisation_id = i.organisation
    JOIN incubator_researchproject j ON j.pi_user_id = m.user_id
    JOIN funding_application b ON b.project_id = j.id
    WHERE b.state IN ('in_review', 'returned', 'reserved', 'approved')
    UNION
    SELECT w.person, b.call_id, b.id, NULL, NULL, 'register', NULL
    FROM who w JOIN incubator_researchproject j ON j.pi_user_id = w.person
    JOIN funding_application b ON b.project_id = j.id
    WHERE b.state IN ('in_review', 'returned', 'reserved', 'approved')
-- Research that goes on, or ended within the years that count.
), research AS MATERIALIZED (
    SELECT t.user_id AS person, j.id AS project, j.code, j.ends_on
    FROM incubator_projectmember t JOIN incubator_researchproject j ON j.id = t.project_id
    WHERE t.user_id IN (SELECT person FROM who UNION SELECT person FROM side)
      AND (j.ends_on IS NULL OR j.ends_on >= since_day)
    UNION
    SELECT j.pi_user_id, j.id, j.code, j.ends_on FROM incubator_researchproject j
    WHERE j.pi_user_id IN (SELECT person FROM who UNION SELECT person FROM side)
      AND (j.ends_on IS NULL OR j.ends_on >= since_day)
), found AS (
    -- One of the applicant's own: by account, by address, by ORCID.
    SELECT p.person, p.application, 'member' AS kind, 1 AS weight, true AS for_all,
           NULL::bigint AS edge, 'register' AS basis, '' AS detail, NULL::date AS expires_on
    FROM pair p JOIN side s ON s.application = p.application AND s.person = p.person
    UNION
    SELECT p.person, p.application, 'member', 1, true, NULL, 'register', '', NULL
    FROM pair p JOIN who w ON w.person = p.person AND w.orcid <> ''
    JOIN id_of_side s ON s.application = p.application AND s.orcid = w.orcid
    UNION
    -- Between the person and this application, whatever it is.
    SELECT p.person, p.application, e.kind, 2, true, e.id, e.source, e.note, e.expires_on
    FROM pair p JOIN edge e ON e.person_id = p.person AND e.application_id = p.application
    UNION
    -- Between the person and somebody on the applicant's side, whoever of the two has it on record.
    SELECT p.person, p.application, t.kind, 3, true, t.id, t.source, COALESCE(NULLIF(u.name, ''), u.email), t.expires_on
    FROM pair p JOIN tie t ON t.one = p.person JOIN side s ON s.application = p.application AND s.person = t.two
    JOIN core_user u ON u.id = t.two WHERE t.two <> p.person
    UNION
    SELECT p.person, p.application, t.kind, 3, true, t.id, t.source, COALESCE(NULLIF(u.name, ''), u.email), t.expires_on
    FROM pair p JOIN tie t ON t.two = p.person JOIN side s ON s.application = p.application AND s.person = t.one
    JOIN core_user u ON u.id = t.one WHERE t.one <> p.person
    UNION
    SELECT p.person, p.application, e.kind, 3, true, e.id, e.source, e.other_email, e.expires_on
    FROM pair p JOIN edge e ON e.person_id = p.person AND e.other_email <> ''
    JOIN address d ON d.application = p.application AND d.email = lower(e.other_email)
    JOIN who w ON w.person = p.person AND w.email <> d.email
    UNION
    -- A share, a seat on the board, or anything else but employment, in an organisation behind the application.
    SELECT p.person, p.application, e.kind, 4, true, e.id, e.source, o.name_zh_hans, e.expires_on
    FROM pair p JOIN edge e ON e.person_id = p.person AND e.kind NOT IN ('employer', 'faculty')
    JOIN place l ON l.application = p.application AND l.organisation = e.organisation_id
    JOIN incubator_organisation o ON o.id = e.organisation_id
    UNION
    -- The same employer; where the call says so, of a university only the same faculty.
    SELECT p.person, p.application, CASE WHEN p.conflict_scope = 'faculty' AND k.faculty = l.faculty THEN 'faculty' ELSE k.kind END,
           5, false, k.edge, k.basis, o.name_zh_hans, k.expires_on
    FROM pair p JOIN work k ON k.person = p.person
    JOIN place l ON l.application = p.application AND l.organisation = k.organisation
    JOIN incubator_organisation o ON o.id = k.organisation
    WHERE NOT (p.conflict_scope = 'faculty' AND k.faculty IS NOT NULL AND l.faculty IS NOT NULL AND k.faculty <> l.faculty)
    UNION
    SELECT p.person, p.application, 'employer', 5, false, NULL, 'name', w.institution, NULL
    FROM pair p JOIN who w ON w.person = p.person
    WHERE w.institution <> '' AND w.institution = p.institution_text
    UNION
    -- They do research together.
    SELECT p.person, p.application, 'coinvestigator', 6, false, NULL, 'register', mine.code,
           mine.ends_on + spell
    FROM pair p JOIN research mine ON mine.person = p.person AND mine.project IS DISTINCT FROM p.project_id
    JOIN research theirs ON theirs.project = mine.project AND theirs.person <> mine.person
    JOIN side s ON s.application = p.application AND s.person = theirs.person
    UNION
    -- Something of their own is in the same race.
    SELECT p.person, p.application, 'competitor', 7, false, v.edge, v.basis, COALESCE(b.number, ''), v.expires_on
    FROM pair p JOIN rival v ON v.person = p.person AND v.call_id = p.call_id AND v.application <> p.application
    JOIN funding_application b ON b.id = v.application
    UNION
    -- A conflict with an earlier application of the same applicant; whom one list called unsuitable, only that list does.
    SELECT p.person, p.application, e.kind, 8, false, e.id, 'earlier', COALESCE(b.number, ''), e.expires_on
    FROM pair p JOIN edge e ON e.person_id = p.person AND e.application_id <> p.application AND e.kind <> 'unsuitable'
    JOIN funding_application b ON b.id = e.application_id AND b.kind = p.kind
         AND CASE p.kind WHEN 'organisation' THEN b.organisation_id = p.organisation_id ELSE b.project_id = p.project_id END
)
SELECT f.person, f.application, f.kind::text, f.weight, f.for_all, f.edge, f.basis::text, f.detail::text, f.expires_on
FROM found f;
END;
$$;

CREATE OR REPLACE FUNCTION funding_conflict(of_person bigint, of_application bigint, experts boolean DEFAULT true)
RETURNS text LANGUAGE sql STABLE COST 10000 AS $$
    SELECT c.kind FROM funding_conflicts(ARRAY[of_person], ARRAY[of_application]) c
    WHERE c.for_all OR experts
    ORDER BY c.weight, c.kind LIMIT 1
$$;

-- One transaction at a time looks whether everybody is apart, each seeing what those before it have written.
CREATE OR REPLACE FUNCTION funding_apart_one_at_a_time() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'conflicts of interest are kept in READ COMMITTED transactions only'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('funding_apart'));
END;
$$;

-- Suspends the reviews of expert stages that stand across a conflict, among those near the rows that have changed; returns
-- how many. Nulls in the arrays mean nothing. Only reviews are locked, in the order of their keys.
CREATE OR REPLACE FUNCTION funding_keep_apart(
    of_people bigint[], of_organisations bigint[], of_projects bigint[], of_applications bigint[], at_commit boolean
) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    near_applications bigint[];
    near_calls bigint[];
    near_organisations bigint[];
    linked bigint[];
    reviews bigint[];
    suspended integer;
BEGIN
    IF at_commit THEN PERFORM funding_apart_one_at_a_time(); END IF;

    SELECT array_agg(a.id), array_agg(DISTINCT a.call_id), array_agg(DISTINCT a.organisation_id)
    INTO near_applications, near_calls, near_organisations
    FROM funding_application a
    WHERE a.state IN ('in_review', 'returned', 'reserved', 'approved') AND (
        a.id = ANY (of_applications)
        OR a.organisation_id = ANY (of_organisations)
        OR a.project_id = ANY (of_projects)
        OR a.organisation_id IN (SELECT m.organisation_id FROM incubator_membership m WHERE m.user_id = ANY (of_people))
        OR a.project_id IN (SELECT j.id FROM incubator_researchproject j
                            WHERE j.pi_user_id = ANY (of_people) OR j.university_id = ANY (of_organisations))
        OR a.project_id IN (SELECT t.project_id FROM incubator_projectmember t
                            WHERE t.user_id = ANY (of_people)
                               OR lower(t.email) IN (SELECT lower(u.email) FROM core_user u WHERE u.id = ANY (of_people)))
    );
    near_organisations := near_organisations || of_organisations || ARRAY(
        SELECT m.organisation_id FROM incubator_membership m
        WHERE m.user_id = ANY (of_people)
           OR m.user_id IN (SELECT j.pi_user_id FROM incubator_researchproject j
                            JOIN funding_application a ON a.project_id = j.id
                            WHERE a.id = ANY (near_applications)));
    -- Whoever has something in an organisation that may compete now, or applies themself.
    linked := ARRAY(
        SELECT m.user_id FROM incubator_membership m WHERE m.organisation_id = ANY (near_organisations)
        UNION SELECT e.person_id FROM funding_conflict e WHERE e.organisation_id = ANY (near_organisations)
        UNION SELECT j.pi_user_id FROM incubator_researchproject j JOIN funding_application a ON a.project_id = j.id
              WHERE a.id = ANY (of_applications) OR j.id = ANY (of_projects));

    reviews := ARRAY(
        SELECT r.id FROM funding_review r
        JOIN funding_application a ON a.id = r.application_id AND a.state IN ('in_review', 'returned')
        JOIN funding_stagerun g ON g.id = r.run_id
        JOIN funding_stage s ON s.id = g.stage_id AND s.acts = 'expert'
        WHERE r.state IN ('assigned', 'accepted', 'submitted') AND (
            r.reviewer_id = ANY (of_people)
            OR r.application_id = ANY (near_applications)
            OR (a.call_id = ANY (near_calls) AND r.reviewer_id = ANY (linked))));
    IF cardinality(reviews) = 0 THEN RETURN 0; END IF;

    reviews := ARRAY(
        SELECT r.id FROM funding_review r
        WHERE r.id = ANY (reviews) AND EXISTS (
            SELECT 1 FROM (SELECT array_agg(p.reviewer_id) AS people, array_agg(p.application_id) AS applications
                           FROM funding_review p WHERE p.id = ANY (reviews)) b,
            LATERAL funding_conflicts(b.people, b.applications) c
            WHERE c.person = r.reviewer_id AND c.application = r.application_id));
    IF cardinality(reviews) = 0 THEN RETURN 0; END IF;
    -- Whoever suspends, waits its turn before it holds a review: so no two wait for each other.
    PERFORM funding_apart_one_at_a_time();
    PERFORM 1 FROM funding_review r WHERE r.id = ANY (reviews) ORDER BY r.id FOR NO KEY UPDATE;
    UPDATE funding_review r
    SET state = 'suspended', suspended_at = clock_timestamp(), suspension_told_at = NULL,
        decline_reason = COALESCE(funding_conflict(r.reviewer_id, r.application_id), '')
    WHERE r.id = ANY (reviews) AND r.state IN ('assigned', 'accepted', 'submitted')
      AND funding_conflict(r.reviewer_id, r.application_id) IS NOT NULL;
    GET DIAGNOSTICS suspended = ROW_COUNT;
    RETURN suspended;
END;
$$;

-- Everything there is, for the clock: nothing should be left for it to find.
CREATE OR REPLACE FUNCTION funding_keep_all_apart() RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN funding_keep_apart(NULL, NULL, NULL, ARRAY(
        SELECT a.id FROM funding_application a WHERE a.state IN ('in_review', 'returned')), true);
END;
$$;

-- What each table says has changed. The argument is "now" or "commit".
CREATE OR REPLACE FUNCTION funding_apart_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_apart_one_at_a_time();
    UPDATE funding_review r
    SET state = 'suspended', suspended_at = clock_timestamp(), suspension_told_at = NULL,
        decline_reason = COALESCE(funding_conflict(r.reviewer_id, r.application_id), '')
    FROM funding_application a, funding_stagerun g, funding_stage s
    WHERE r.id = NEW.id AND r.state IN ('assigned', 'accepted', 'submitted')
      AND a.id = r.application_id AND a.state IN ('in_review', 'returned')
      AND g.id = r.run_id AND s.id = g.stage_id AND s.acts = 'expert'
      AND funding_conflict(r.reviewer_id, r.application_id) IS NOT NULL;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(
        ARRAY(SELECT NEW.person_id UNION SELECT NEW.other_id
              UNION SELECT u.id FROM core_user u WHERE NEW.other_email <> '' AND lower(u.email) = lower(NEW.other_email)
              UNION SELECT r.user_id FROM funding_reviewer r WHERE NEW.other_orcid <> '' AND r.orcid = NEW.other_orcid),
        NULL, NULL, NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_reviewer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(
        ARRAY(SELECT NEW.user_id
              -- who has somebody with this ORCID on record, or is the same person under another account
              UNION SELECT e.person_id FROM funding_conflict e WHERE NEW.orcid <> '' AND e.other_orcid = NEW.orcid
              UNION SELECT r.user_id FROM funding_reviewer r WHERE NEW.orcid <> '' AND r.orcid = NEW.orcid),
        NULL, NULL, NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_application() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(NULL, ARRAY[NEW.organisation_id], NULL, ARRAY[NEW.id], TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_membership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(ARRAY[NEW.user_id], ARRAY[NEW.organisation_id], NULL, NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_projectmember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(
        ARRAY(SELECT NEW.user_id
              UNION SELECT u.id FROM core_user u WHERE NEW.email <> '' AND lower(u.email) = lower(NEW.email)),
        NULL, ARRAY[NEW.project_id], NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(
        ARRAY(SELECT NEW.pi_user_id UNION SELECT t.user_id FROM incubator_projectmember t WHERE t.project_id = NEW.id),
        NULL, ARRAY[NEW.id], NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_liaison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(ARRAY[NEW.user_id], NULL, NULL, NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_organisation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(NULL, ARRAY[NEW.id], NULL, NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION funding_apart_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM funding_keep_apart(
        ARRAY(SELECT NEW.id UNION SELECT e.person_id FROM funding_conflict e WHERE lower(e.other_email) = lower(NEW.email)),
        NULL, NULL, NULL, TG_ARGV[0] = 'commit');
    RETURN NULL;
END;
$$;
